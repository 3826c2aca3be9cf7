// Which codes an atlas holds, its pictures where they are stored as differences, and the choice among several.

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

// An atlas with its picture read and the place of each code.
async function readAtlas(atlas, levels, width, height) {
  const picture = new Image();
  picture.src = atlas.image;
  await picture.decode();
  const index = new Map(codesWithin(levels, atlas).map((code, k) => [code.join(), k]));
  return { ...atlas, index, picture: atlas.step ? addUp(picture, atlas, index.get(atlas.anchor.join()), width, height) : picture };
}

// A code's picture in the first of some atlases that has it.
function findIn(atlases, code, width, height) {
  const key = code.join(), atlas = atlases.find(({ index }) => index.has(key));
  if (!atlas) return undefined;
  const k = atlas.index.get(key), x = (k % atlas.columns) * width, y = Math.floor(k / atlas.columns) * height;
  return { picture: atlas.picture, x, y, off: atlas.unseen[k] === "1", note: atlas.notes[k], within: key === atlas.anchor.join() ? 0 : atlas.worst };
}

// A row of buttons with pictures: the places that a page can start from.
function makeStarts(anchors, say, begin) {
  const choice = make("div", "dlq-starts");
  const buttons = anchors.map((anchor, k) => {
    const image = make("img"), button = makeButton("", () => {
      buttons.forEach((each, j) => each.setAttribute("aria-pressed", String(j === k)));
      begin(anchor);
    });
    image.src = anchor.picture;
    image.alt = say("starting", { number: k + 1, count: anchors.length });
    button.setAttribute("aria-pressed", String(k === 0));
    button.append(image);
    return button;
  });
  choice.setAttribute("role", "group");
  choice.setAttribute("aria-label", say("starts"));
  choice.append(make("span", "", say("starts")), ...buttons);
  return choice;
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
