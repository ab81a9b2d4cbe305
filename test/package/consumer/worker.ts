import { lesson } from './lesson.ts';

self.postMessage(lesson());
