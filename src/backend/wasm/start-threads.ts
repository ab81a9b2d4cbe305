/** Node has threads from the start: they are started when enough work was seen. Browsers have `start-threads.browser.ts` in the place of this module. */
import { startThreads } from './threads.ts';

startThreads();
