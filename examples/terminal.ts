/** Plain output for the examples. */
export function heading(text: string): void {
  console.log(`\n${text}\n${'─'.repeat([...text].length)}`);
}

export function say(text: string): void {
  console.log(`\n${text}`);
}

export function show(name: string, value: unknown): void {
  const text = String(value);
  const indent = ' '.repeat([...name].length + 5);
  console.log(`  ${name} = ${text.replace(/\n/g, `\n${indent}`)}`);
}
