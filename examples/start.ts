/** `npm start`: the lesson first, then real data. Pictures and weights land under `out/`. */
import { mkdirSync } from 'node:fs';
import { digits } from './digits.ts';
import { lesson } from './lesson.ts';

mkdirSync('out', { recursive: true });
await lesson();
await digits();
