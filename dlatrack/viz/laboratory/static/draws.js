// Random draws of label assignment; the same bits as dlatrack/assign/sampling.py.

const NUMBERS = 2 ** 20; // samples that can be numbered; hash and number together fit a double

/**
 * Random ranks: distinct numbers, one per sample; the smallest few are a uniform draw.
 *
 * The upper part is a 32-bit hash of key and sample, two rounds of multiply and xor-shift (the public
 * "lowbias32" mixer), the lower part the sample's own number, which settles collisions.
 *
 * @param keyLow lower 32 bits of the key.
 * @param keyHigh upper 32 bits of the key.
 */
export function drawOrder(keyLow, keyHigh, samples) {
  const order = new Float64Array(samples);
  for (let number = 0; number < samples; number += 1) {
    let state = Math.imul(number, 0x9e3779b9) ^ keyLow;
    for (const word of [0, keyHigh]) {
      state = (state + word) | 0;
      state ^= state >>> 16;
      state = Math.imul(state, 0x7feb352d);
      state ^= state >>> 15;
      state = Math.imul(state, 0x846ca68b);
      state ^= state >>> 16;
    }
    order[number] = state * NUMBERS + number;
  }
  return order;
}

/** `count` samples of a pool of sample numbers, drawn without replacement; a smaller pool is taken whole. */
export function draw(pool, count, order) {
  if (count >= pool.length) return pool;
  const ranks = Float64Array.from(pool, (sample) => order[sample]).sort();
  return Array.from(ranks.subarray(0, count), (rank) => rank - Math.floor(rank / NUMBERS) * NUMBERS);
}

/** The two 32-bit halves of a seed, an integer, as `drawOrder` takes a key. */
export function keyOf(seed) {
  return [seed | 0, Math.floor(seed / 2 ** 32) | 0];
}
