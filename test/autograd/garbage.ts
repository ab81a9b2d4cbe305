/** Whether what a weak reference points to is collected within some collections; the runner passes --expose-gc. */
export async function collected(reference: WeakRef<object>): Promise<boolean> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  for (let round = 0; round < 5; round++) {
    // A weak reference that was read holds its target to the end of the job.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    if (reference.deref() === undefined) return true;
  }
  return false;
}
