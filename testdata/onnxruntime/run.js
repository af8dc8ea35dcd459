// Runs a model in ONNX Runtime on one thread of the CPU, and prints JSON.
//
//   node run.js MODEL INPUT SAMPLE ...   the outputs of each model for a file of float32 samples,
//                                        little-endian, each of the shape SAMPLE, such as 3x32x32
//   node run.js MODEL SAMPLE             the latency of a batch of 1 and of 128 samples, in
//                                        microseconds: the median of several runs
"use strict";
const fs = require("fs");
const ort = require("onnxruntime-node");

const shapeOf = (text) => text.split("x").map(Number);
const size = (shape) => shape.reduce((n, d) => n * d, 1);

async function outputs(session, file, sample) {
  const bytes = fs.readFileSync(file);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const result = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", data, [data.length / size(sample), ...sample]) });
  const output = result[session.outputNames[0]];
  return { input: session.inputNames[0], output: session.outputNames[0], shape: output.dims, values: Array.from(output.data) };
}

async function latency(session, sample, batch) {
  const data = new Float32Array(batch * size(sample)).map((_, i) => Math.sin(i));
  const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", data, [batch, ...sample]) };
  for (let i = 0; i < 3; i++) await session.run(feeds);
  const times = [];
  for (const end = Date.now() + 2000; times.length < 11 || (Date.now() < end && times.length < 1001); ) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  return { batch, microseconds: times[times.length >> 1], least: times[0], runs: times.length };
}

const open = (model) => ort.InferenceSession.create(model, { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 });

async function main(words) {
  const results = [];
  if (words.length === 2) {
    const session = await open(words[0]);
    for (const batch of [1, 128]) results.push(await latency(session, shapeOf(words[1]), batch));
  }
  for (let i = 0; i + 2 < words.length; i += 3) results.push(await outputs(await open(words[i]), words[i + 1], shapeOf(words[i + 2])));
  console.log(JSON.stringify(results));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
