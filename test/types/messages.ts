/** Mistakes, and what the compiler says about them: the first line of its message, to the letter. */

/** Each statement gives one error. */
export const MISTAKES: readonly (readonly [statement: string, message: string])[] = [
  [
    'a.matmul(zeros([4, 5]));',
    `Argument of type 'Tensor<[4, 5], "float32">' is not assignable to parameter of type '"matmul: inner dimensions 3 and 4 differ in [2, 3] @ [4, 5]"'.`,
  ],
  [
    'a.add(zeros([4, 5]));',
    `Argument of type 'Tensor<[4, 5], "float32">' is not assignable to parameter of type '"add: shapes [2, 3] and [4, 5] do not broadcast (3 vs 5)"'.`,
  ],
  [
    'a.reshape([4, 2]);',
    `Argument of type 'number[]' is not assignable to parameter of type '"reshape: [2, 3] has 6 elements but [4, 2] has 8"'.`,
  ],
  [
    'a.reshape([4, -1]);',
    `Argument of type 'number[]' is not assignable to parameter of type '"reshape: [2, 3] (6 elements) is not divisible into [4, -1]"'.`,
  ],
  ['a.view(4, 2);', `Argument of type '4' is not assignable to parameter of type '"view: [2, 3] has 6 elements but [4, 2] has 8"'.`],
  ['a.sum(2);', `Argument of type '2' is not assignable to parameter of type '"sum: dim 2 is out of range for shape [2, 3]"'.`],
  [
    'a.permute([0, 0]);',
    `Argument of type 'number[]' is not assignable to parameter of type '"permute: [0, 0] is not a permutation of the dims of [2, 3]"'.`,
  ],
  [
    'cat([a, zeros([2, 4])], 0);',
    `Argument of type '(Tensor<[2, 3], "float32"> | Tensor<[2, 4], "float32">)[]' is not assignable to parameter of type '"cat: shapes [2, 3] and [2, 4] differ outside dim 0"'.`,
  ],
  ['a.at(0, 5);', `Argument of type '0' is not assignable to parameter of type '"index 5 is out of range for a dim of size 3 in [2, 3]"'.`],
  [
    "einsum('ij,jk->ik', a, zeros([4, 5]));",
    `Argument of type '"ij,jk->ik"' is not assignable to parameter of type '"einsum 'ij,jk->ik': 'j' is both 3 and 4"'.`,
  ],
  [
    'new nn.Linear(784, 10).forward(zeros([32, 28, 28]));',
    `Argument of type 'Tensor<[32, 28, 28], "float32">' is not assignable to parameter of type '"linear: expected last dim 784, got 28 in [32, 28, 28]"'.`,
  ],
  [
    'new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(64, 10));',
    `Argument of type 'Linear<64, 10>' is not assignable to parameter of type '"layer 2: linear: expected last dim 64, got 128 in [..., 128]"'.`,
  ],
  [
    'new nn.Conv2d(3, 64, 7).forward(zeros([8, 1, 224, 224]));',
    `Argument of type 'Tensor<[8, 1, 224, 224], "float32">' is not assignable to parameter of type '"conv2d: expected 3 input channels, got 1 in [8, 1, 224, 224]"'.`,
  ],
  [
    "zeros([dim('batch', 8), 3]).add(zeros([dim('time', 5), 3]));",
    `Argument of type 'Tensor<[Dim<"time">, 3], "float32">' is not assignable to parameter of type '"add: shapes [batch, 3] and [time, 3] do not broadcast (batch vs time)"'.`,
  ],
  [
    'a.backward();',
    `The 'this' context of type 'Tensor<[2, 3], "float32">' is not assignable to method's 'this' of type '"backward: needs a scalar (0-d) tensor, got shape [2, 3]"'.`,
  ],
  [
    'a.item();',
    `The 'this' context of type 'Tensor<[2, 3], "float32">' is not assignable to method's 'this' of type '"item: needs a one-element tensor, got shape [2, 3]"'.`,
  ],
  [
    'zeros([2, -3]);',
    `Argument of type 'number[]' is not assignable to parameter of type '"shape [2, -3]: dims must be non-negative integers"'.`,
  ],
  ['a.topk(4);', `Argument of type '4' is not assignable to parameter of type '"topk: k 4 is larger than the dim of size 3 in [2, 3]"'.`],
  [
    'a.add_(zeros([5, 2, 3]));',
    `Argument of type 'Tensor<[5, 2, 3], "float32">' is not assignable to parameter of type '"add_: [5, 2, 3] does not fit into the target [2, 3]"'.`,
  ],
  ['const w: Tensor<[4, 3]> = a;', `Type 'Tensor<[2, 3], "float32">' is not assignable to type 'Tensor<[4, 3], DType>'.`],
  [
    'nn.functional.crossEntropy(zeros([8, 10]), arange(7));',
    `Argument of type 'Tensor<[7], "int64">' is not assignable to parameter of type '"crossEntropy: target [7] fits neither as classes [8] nor as probabilities [8, 10]"'.`,
  ],
];

/** What comes before the statements, on one line. */
export const PROLOGUE = "import { arange, cat, dim, einsum, nn, type Tensor, zeros } from 'nabla'; const a = zeros([2, 3]);";
