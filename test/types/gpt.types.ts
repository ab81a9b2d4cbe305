/** Models as people write them. */

import { arange, cat, nn, randint, type Tensor, zeros } from 'nabla';
import { is } from './assert.ts';

// realistic model code: GPT-2 block, user modules, configs
const cfg = { vocab: 50257, block: 1024, layer: 12, head: 12, embd: 768 } as const;
class Attention extends nn.Module {
  qkv = new nn.Linear(768, 2304);
  proj = new nn.Linear(768, 768);
  forward<B extends number, T extends number>(x: Tensor<[B, T, 768], 'float32'>) {
    const [B, T] = x.shape;
    const qkv = this.qkv.forward(x); // [B, T, 2304]
    const h = qkv.reshape([B, T, 3, cfg.head, 64]).permute([2, 0, 3, 1, 4]); // [3, B, 12, T, 64]
    const q = h.at(0),
      k = h.at(1),
      v = h.at(2); // [B, 12, T, 64]
    const att = q
      .matmul(k.transpose(-2, -1))
      .mul(1 / 8)
      .softmax(-1); // [B, 12, T, T]
    const y = att.matmul(v).transpose(1, 2).reshape([B, T, 768]);
    return this.proj.forward(y);
  }
}
class Mlp extends nn.Module {
  net = new nn.Sequential(new nn.Linear(768, 3072), new nn.GELU(), new nn.Linear(3072, 768), new nn.Dropout(0.1));
  forward(x: Tensor<[number, number, 768], 'float32'>) {
    return this.net.forward(x);
  }
}
class Block extends nn.Module {
  ln1 = new nn.LayerNorm(768);
  attn = new Attention();
  ln2 = new nn.LayerNorm(768);
  mlp = new Mlp();
  forward(x: Tensor<[number, number, 768], 'float32'>) {
    const a = x.add(this.attn.forward(this.ln1.forward(x)));
    return a.add(this.mlp.forward(this.ln2.forward(a)));
  }
}
class Gpt extends nn.Module {
  wte = new nn.Embedding(cfg.vocab, cfg.embd);
  wpe = new nn.Embedding(cfg.block, cfg.embd);
  blocks = Array.from({ length: cfg.layer }, () => new Block());
  lnf = new nn.LayerNorm(768);
  head = new nn.Linear(768, cfg.vocab);
  forward(idx: Tensor<[number, number], 'int64'>) {
    const T = idx.shape[1];
    let x: Tensor<[number, number, 768], 'float32'> = this.wte
      .forward(idx)
      .add(this.wpe.forward(arange(T)))
      .to('float32');
    for (const b of this.blocks) x = b.forward(x);
    return this.head.forward(this.lnf.forward(x));
  }
}
const logits = new Gpt().forward(randint(0, 50257, [8, 1024]));
is<[number, number, 50257]>()(logits);
is<[4, 16, 768]>()(new Attention().forward(zeros([4, 16, 768])));
const seq = new nn.Sequential(new nn.Linear(4, 768), new Mlp(), new Block(), new nn.Linear(768, 10));
const o = seq.forward(zeros([2, 3, 4]));
is<[number, number, 10]>()(o);
// @ts-expect-error user module wants 768 features
new nn.Sequential(new nn.Linear(4, 512), new Mlp());
// @ts-expect-error rank
new Gpt().forward(randint(0, 50257, [8]));
// @ts-expect-error dtype
new Gpt().forward(zeros([8, 1024]));
// @ts-expect-error features
new Block().forward(zeros([8, 1024, 512]));
// a module with several inputs and outputs
class Lstm extends nn.Module {
  forward(_x: Tensor<[number, 64]>, hc: readonly [Tensor<[number, 128]>, Tensor<[number, 128]>]) {
    return [hc[0].mul(2), hc[1]] as const;
  }
}
const [hh] = new Lstm().forward(zeros([5, 64]), [zeros([5, 128]), zeros([5, 128])]);
is<[number, 128]>()(hh);
// generation loop, PyTorch style rebinding
function generate(m: Gpt, idx: Tensor<[number, number], 'int64'>, n: number) {
  for (let i = 0; i < n; i++) {
    const lg = m.forward(idx).at(':', -1, ':');
    const next = lg.softmax(-1).argmax(-1, { keepdim: true });
    idx = cat([idx, next], 1);
  }
  return idx;
}
const g = generate(new Gpt(), randint(0, 9, [1, 5]), 3);
is<[number, number]>()(g);
