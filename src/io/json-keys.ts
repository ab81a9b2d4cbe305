/** The check of JSON that `JSON.parse` does not make. */

/**
 * The first key that an object of this JSON text has twice, or null. The text must be valid JSON.
 *
 * @example
 * duplicateKey('{"a": 1, "b": {"a": 2}}');   // null
 * duplicateKey('{"a": 1, "\\u0061": 2}');    // 'a'
 */
export function duplicateKey(text: string): string | null {
  // One set for each open object, null for each open array.
  const open: (Set<string> | null)[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;
  for (const match of text.matchAll(tokens)) {
    const token = match[0];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (match[1] !== undefined) {
      const key = JSON.parse(token.slice(0, token.length - match[1].length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}
