// Which codes an atlas holds, and its pictures where they are stored as differences.

// The codes with at most `reach` sliders away from the anchor, in the order of the tiles (tiles.py: codes_within).
function codesWithin(levels, { anchor, reach, window }) {
  let codes = [[[], reach]];
  levels.forEach((count, i) => {
    const low = Math.max(0, Math.min(anchor[i] - Math.floor(window / 2), count - window));
    codes = codes.flatMap(([code, left]) => [...Array(Math.min(window, count)).keys()].map((k) => low + k)
      .filter((level) => level === anchor[i] || left > 0)
      .map((level) => [[...code, level], left - (level !== anchor[i])]));
  });
  return codes.map(([code]) => code);
}

// Tiles stored as steps away from the anchor's (codec.py) become pictures again.
function addUp(picture, { step, columns }, home, width, height) {
  const sheet = make("canvas"), context = sheet.getContext("2d", { willReadFrequently: true });
  sheet.width = picture.naturalWidth; sheet.height = picture.naturalHeight;
  context.drawImage(picture, 0, 0);
  const all = context.getImageData(0, 0, sheet.width, sheet.height), to = all.data;
  const left = (home % columns) * width, top = Math.floor(home / columns) * height;
  const anchor = context.getImageData(left, top, width, height).data;
  for (let y = 0, at = 0; y < sheet.height; y++) for (let x = 0; x < sheet.width; x++, at += 4) {
    if (x >= left && x < left + width && y >= top && y < top + height) continue;
    const from = 4 * ((y % height) * width + (x % width));
    for (let c = 0; c < 3; c++) to[at + c] = anchor[from + c] + (to[at + c] - 128) * step; // clamps
  }
  context.putImageData(all, 0, 0);
  return sheet;
}
