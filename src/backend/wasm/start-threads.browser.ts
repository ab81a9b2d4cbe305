/** A page has threads when it calls `setNumThreads`, which brings them along. */
export {};
