/**
 * The one rule from PyTorch's calls to ours.
 *
 * An operator's signature names every parameter as PyTorch does, in PyTorch's order: `'input, dim?, *, keepdim, dtype'`. PyTorch's positional
 * arguments fill the parameters in that order, its keyword arguments by name. Parameters before `*` are our positional arguments; those after it
 * go into one trailing options object under their camelCase names. What the signature does not name goes into the options as well, so that the
 * library can refuse it.
 */

export interface Parameter {
  readonly name: string;
  /** In the trailing options object. */
  readonly option: boolean;
  /** Takes all the positional arguments that are left. */
  readonly variadic: boolean;
}

/** `label_smoothing` -> `labelSmoothing`; leading and trailing underscores stay: `log_normal_` -> `logNormal_`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[A-Za-z0-9])_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `nn.functional.cross_entropy` -> `nn.functional.crossEntropy`. */
export function camelPath(path: string): string {
  return path.split('.').map(camelCase).join('.');
}

const parsed = new Map<string, readonly Parameter[]>();

/** Reads a signature; `?`, defaults and types after a name are allowed and mean nothing here. */
export function parseSignature(signature: string): readonly Parameter[] {
  const known = parsed.get(signature);
  if (known !== undefined) return known;
  const parameters: Parameter[] = [];
  let option = false;
  for (const piece of signature.split(',')) {
    const text = piece.trim();
    if (text === '') continue;
    if (text === '*') {
      option = true;
      continue;
    }
    const variadic = text.startsWith('...') || text.endsWith('...');
    const name = text
      .replaceAll('...', '')
      .replace(/[?=:].*$/, '')
      .trim();
    parameters.push({ name, option, variadic });
  }
  parsed.set(signature, parameters);
  return parameters;
}

/** Keyword arguments that say nothing: there is one device and one layout, and nobody asks for a gradient. */
function saysNothing(name: string, value: unknown): boolean {
  return (name === 'device' && value === 'cpu') || (name === 'requires_grad' && value === false);
}

function findParameter(parameters: readonly Parameter[], name: string): Parameter | undefined {
  return (
    parameters.find((parameter) => parameter.name === name) ?? parameters.find((parameter) => camelCase(parameter.name) === camelCase(name))
  );
}

/** Drops trailing absent arguments, so that defaults apply whatever way they are written. */
function trim(values: unknown[]): unknown[] {
  let length = values.length;
  while (length > 0 && values[length - 1] === undefined) length--;
  return values.slice(0, length);
}

/**
 * Our arguments for one of PyTorch's calls.
 * `names` replaces the signature's names for positional arguments, where PyTorch's overload orders them otherwise.
 */
export function bind(
  signature: string | null,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  names: readonly (string | undefined)[] = [],
): unknown[] {
  const parameters =
    signature === null ? args.map((_, index) => ({ name: `#${index}`, option: false, variadic: false })) : parseSignature(signature);
  const values = new Map<string, unknown>();
  const options: Record<string, unknown> = {};
  const surplus: unknown[] = [];
  let rest: readonly unknown[] = [];
  for (let index = 0; index < args.length; index++) {
    const parameter = names[index] === undefined ? parameters[index] : findParameter(parameters, names[index]!);
    if (parameter === undefined) surplus.push(args[index]);
    else if (parameter.variadic) {
      rest = args.slice(index);
      break;
    } else values.set(parameter.name, args[index]);
  }
  for (const [name, value] of Object.entries(kwargs)) {
    const parameter = findParameter(parameters, name);
    if (parameter === undefined) {
      if (!saysNothing(name, value)) options[camelCase(name)] = value;
    } else if (parameter.variadic) rest = [value];
    else values.set(parameter.name, value);
  }
  for (const parameter of parameters) {
    if (parameter.option && values.has(parameter.name)) options[camelCase(parameter.name)] = values.get(parameter.name);
  }
  const hasOptions = Object.keys(options).length > 0;
  const fixed = parameters.filter((parameter) => !parameter.option && !parameter.variadic).map((parameter) => values.get(parameter.name));
  const positional = [...(rest.length > 0 || hasOptions ? fixed : trim(fixed)), ...rest, ...surplus];
  return hasOptions ? [...positional, options] : positional;
}
