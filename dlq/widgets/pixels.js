// Pictures as ImageData: how two of them differ, and one drawn large, with a tag where it has one.

const GAIN = 4; // of a difference

function differenceOf(a, b) {
  for (let p = 0; p < b.data.length; p++) if (p % 4 < 3) a.data[p] = GAIN * Math.abs(a.data[p] - b.data[p]); // clamps at 255
  return a;
}

// The mean of |a - b| over pixels and colours, in grey levels.
function distanceOf(a, b) {
  let sum = 0;
  for (let p = 0; p < b.data.length; p++) if (p % 4 < 3) sum += Math.abs(a.data[p] - b.data[p]);
  return sum / (3 * a.width * a.height);
}

// Fills the canvas with the picture, without smoothing, and marks its corner.
function drawPixels(canvas, pixels, tag) {
  const context = canvas.getContext("2d"), small = make("canvas");
  small.width = pixels.width; small.height = pixels.height;
  small.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (!tag) return;
  const size = Math.round(canvas.height / 13);
  context.font = `700 ${size}px system-ui, sans-serif`;
  const wide = context.measureText(tag).width + size;
  context.fillStyle = "#000";
  context.fillRect(canvas.width - wide - 3, canvas.height - 1.6 * size - 3, wide, 1.6 * size);
  context.fillStyle = "#fff";
  context.textBaseline = "middle";
  context.fillText(tag, canvas.width - wide - 3 + size / 2, canvas.height - 0.8 * size - 3);
}
