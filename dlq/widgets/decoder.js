// Runs a decoder that was written by layers.py: half-precision weights, float32 activations, one code at a time.

// Half precision: sign, five bits of exponent, ten of fraction.
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}
function readWeights({ layers, weights }) {
  const bytes = Uint8Array.from(atob(weights), (c) => c.charCodeAt(0)), table = Float32Array.from({ length: 65536 }, (_, k) => fromHalf(k));
  const all = Float32Array.from({ length: bytes.length / 2 }, (_, k) => table[bytes[2 * k] | (bytes[2 * k + 1] << 8)]);
  let end = 0;
  return layers.map((layer) => ({ ...layer, arrays: layer.lengths.map((n) => all.subarray(end, (end += n))) }));
}

const RUN = {
  view: ({ values }, { shape }) => {
    const known = shape.filter((n) => n > 0).reduce((a, b) => a * b, 1);
    return { values, shape: shape.map((n) => (n > 0 ? n : values.length / known)) };
  },
  rectify: ({ values, shape }, { slope }) => ({ values: values.map((x) => (x > 0 ? x : slope * x)), shape }),
  sigmoid: ({ values, shape }) => ({ values: values.map((x) => 1 / (1 + Math.exp(-x))), shape }),
  norm: ({ values, shape }, { eps, arrays: [scale, shift] }) => {
    const n = scale.length, out = new Float32Array(values.length);
    for (let at = 0; at < values.length; at += n) {
      const row = values.subarray(at, at + n), mean = row.reduce((a, b) => a + b, 0) / n;
      const spread = Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / n + eps);
      row.forEach((x, k) => { out[at + k] = ((x - mean) / spread) * scale[k] + shift[k]; });
    }
    return { values: out, shape };
  },
  linear: ({ values: x }, { arrays: [weight, bias] }) => {
    const y = Float32Array.from(bias), n = x.length;
    for (let o = 0; o < y.length; o++) {
      let sum = y[o];
      for (let i = 0, w = o * n; i < n; i++) sum += weight[w + i] * x[i];
      y[o] = sum;
    }
    return { values: y, shape: [y.length] };
  },
  // Each latent's number is a row of the table; latents of width 0 pass.
  pick: ({ values }, { widths, arrays: [table] }) => {
    const rows = table.length / Math.max(...widths), out = [];
    widths.forEach((width, i) => {
      const row = Math.min(rows - 1, Math.max(0, Math.round(values[i])));
      width ? out.push(...table.subarray(row * width, (row + 1) * width)) : out.push(values[i]);
    });
    return { values: Float32Array.from(out), shape: [out.length] };
  },
  // What was computed so far is the style of all that follows; the picture begins from a map of its own.
  canvas: ({ values }, { shape, arrays: [map] }) => ({ values: map, shape, style: values }),
  restyle: ({ values, shape, style }, { eps, arrays: [weight, bias] }) => {
    const size = shape[1] * shape[2], out = new Float32Array(values.length);
    const said = RUN.linear({ values: style }, { arrays: [weight, bias] }).values.map((x) => Math.max(x, 0));
    for (let c = 0; c < shape[0]; c++) {
      const plane = values.subarray(c * size, (c + 1) * size), mean = plane.reduce((a, b) => a + b, 0) / size;
      const scale = said[c] / Math.sqrt(plane.reduce((a, b) => a + (b - mean) ** 2, 0) / size + eps), shift = said[shape[0] + c];
      for (let k = 0; k < size; k++) out[c * size + k] = (plane[k] - mean) * scale + shift;
    }
    return { values: out, shape };
  },
  conv: (x, layer) => convolve(x, layer, false),
  rise: (x, layer) => convolve(x, layer, true),
};

// Which kernel taps reach the outputs of one phase, along one side: [tap, where it reads from, relative to the output's own].
const reach = (kernel, stride, padding, phase) => [...Array(kernel).keys()]
  .filter((a) => (phase + padding - a) % stride === 0).map((a) => [a, (phase + padding - a) / stride]);

// Taps in groups of four, each four places in the kernel and four offsets: fewer trips through memory. A place of -1 is none.
function byFour(taps) {
  const all = [];
  for (let t = 0; t < taps.length; t += 4) {
    const four = [0, 1, 2, 3].map((n) => taps[t + n] ?? [-1, taps[t][1]]);
    all.push(...four.map(([place]) => place), ...four.map(([, offset]) => offset));
  }
  return all;
}

// Both convolutions: outputs r = i * up + phase read inputs i * down + offset. The transposed one splits into stride x stride
// phases, each of them an ordinary convolution without holes, so that the inner loop runs along rows in memory.
function convolve({ values, shape: [channels, high, wide] }, { kernel: k, stride, padding, crop = 0, arrays: [weight, bias] }, rise) {
  const across = wide + 2 * k, plane = (high + 2 * k) * across, x = new Float32Array(channels * plane); // zeros around
  for (let c = 0; c < channels; c++) for (let i = 0; i < high; i++) {
    x.set(values.subarray((c * high + i) * wide, (c * high + i + 1) * wide), c * plane + (i + k) * across + k);
  }
  const alive = [...Array(channels).keys()].filter((c) => values.subarray(c * high * wide, (c + 1) * high * wide).some((v) => v !== 0));
  const grown = (n) => (rise ? (n - 1) * stride - 2 * padding + k - crop : Math.floor((n + 2 * padding - k) / stride) + 1);
  const outputs = bias.length, H = grown(high), W = grown(wide), y = new Float32Array(outputs * H * W);
  const up = rise ? stride : 1, down = rise ? 1 : stride, acc = new Float32Array(H * W);
  const side = (phase) => (rise ? reach(k, stride, padding, phase) : [...Array(k).keys()].map((a) => [a, a - padding]));
  for (let p = 0; p < up; p++) for (let q = 0; q < up; q++) {
    const rows = Math.ceil((H - p) / up), columns = Math.ceil((W - q) / up), found = [];
    for (const [a, dy] of side(p)) for (const [b, dx] of side(q)) found.push([a * k + b, (dy + k) * across + dx + k]);
    const taps = byFour(found);
    for (let o = 0; o < outputs; o++) {
      acc.fill(bias[o], 0, rows * columns);
      for (const c of alive) {
        const w = (rise ? c * outputs + o : o * channels + c) * k * k, at = c * plane;
        for (let t = 0; t < taps.length; t += 8) {
          const k1 = taps[t + 1], k2 = taps[t + 2], k3 = taps[t + 3], w0 = weight[w + taps[t]];
          const w1 = k1 < 0 ? 0 : weight[w + k1], w2 = k2 < 0 ? 0 : weight[w + k2], w3 = k3 < 0 ? 0 : weight[w + k3];
          const d0 = taps[t + 4], d1 = taps[t + 5], d2 = taps[t + 6], d3 = taps[t + 7];
          for (let i = 0; i < rows; i++) {
            const row = at + i * down * across, end = (i + 1) * columns;
            for (let j = i * columns, s = row; j < end; j++, s += down) {
              acc[j] += w0 * x[s + d0] + w1 * x[s + d1] + w2 * x[s + d2] + w3 * x[s + d3];
            }
          }
        }
      }
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
        y[(o * H + i * up + p) * W + j * up + q] = acc[i * columns + j];
      }
    }
  }
  return { values: y, shape: [outputs, H, W] };
}

// A function from latents to a canvas with their picture.
function makeDecoder(description) {
  const layers = readWeights(description);
  return (z) => {
    const { values, shape: [channels, high, wide] } = layers.reduce((x, layer) => ({ style: x.style, ...RUN[layer.kind](x, layer) }), { values: Float32Array.from(z), shape: [z.length] });
    const image = new ImageData(wide, high), size = high * wide, [green, blue] = channels === 3 ? [size, 2 * size] : [0, 0];
    for (let k = 0; k < size; k++) {
      image.data[4 * k] = values[k] * 255; // rounds and clamps
      image.data[4 * k + 1] = values[green + k] * 255;
      image.data[4 * k + 2] = values[blue + k] * 255;
      image.data[4 * k + 3] = 255;
    }
    const canvas = document.createElement("canvas");
    canvas.width = wide; canvas.height = high;
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  };
}

// What a traversal draws by itself: a function from a code to its picture, drawn if `now`, otherwise only if it is at hand.
function makeDrawing(description) {
  const decode = makeDecoder(description), { sliders, seen } = description, drawn = new Map(), most = 512;
  const known = seen === null ? null : new Set();
  if (seen) for (let all = Uint8Array.from(atob(seen), (c) => c.charCodeAt(0)), k = 0; k < all.length; k += sliders.length) {
    known.add(all.subarray(k, k + sliders.length).join());
  }
  function drawing(code, now) {
    const key = code.join(), found = drawn.get(key);
    if (found || !now) return found;
    const z = [];
    sliders.forEach(({ latents, values }, i) => latents.forEach((latent, k) => { z[latent] = values[code[i]][k]; }));
    const picture = decode(z);
    drawn.set(key, picture);
    if (drawn.size > most) drawn.delete(drawn.keys().next().value); // the oldest
    return picture;
  }
  drawing.off = (code) => known !== null && !known.has(code.join());
  return drawing;
}
