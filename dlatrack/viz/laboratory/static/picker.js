/** Boxes on a whole frame, drawn and moved by hand. */
