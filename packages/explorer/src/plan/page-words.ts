/** A page, which is what a recording counts in: bytes, and 32-bit words. */
export const PAGE_BYTES = 4096;
export const PAGE_WORDS = PAGE_BYTES / 4;
