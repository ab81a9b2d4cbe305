import { lesson } from './lesson.ts';

declare global {
  interface Window {
    results?: { page: unknown; worker: unknown; isolated: boolean };
  }
}

const page = lesson();
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const report = (value: unknown): void => {
  window.results = { page, worker: value, isolated: crossOriginIsolated };
};
worker.addEventListener('message', (event: MessageEvent<unknown>) => report(event.data));
worker.addEventListener('error', (event) => report(String(event.message)));
