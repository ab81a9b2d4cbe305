/** nabla's side in the page: the built package as bundlers get it for browsers. */
import * as nabla from 'nabla';
import { compile } from 'nabla/compile';
import * as func from 'nabla/func';
import { workloadsOf } from '../peers/nabla-workloads.ts';
import { serve } from './answer.ts';

nabla.setNumThreads(Number(new URLSearchParams(location.search).get('threads') ?? 1));
serve(workloadsOf({ nabla, func, compile }));
