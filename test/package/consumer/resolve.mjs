console.log(import.meta.resolve('nabla'));
