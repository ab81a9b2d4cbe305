const said = new Set<string>();

/** Says something to whoever runs the program, once for each `topic`. */
export function warnOnce(topic: string, message: string): void {
  if (said.has(topic)) return;
  said.add(topic);
  console.warn(`nabla: ${message}`);
}

/** @internal Says everything once more: for tests that share a process. */
export function forgetWarnings(): void {
  said.clear();
}
