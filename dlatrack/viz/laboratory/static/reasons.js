// Why a sample is positive, negative or ignored, in one sentence.
