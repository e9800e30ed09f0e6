/**
 * QR codes (ISO/IEC 18004): byte mode, error correction level M, versions 1 to 10, which is up to 213
 * bytes and so more than any link to a room needs.
 */

/** For each version: all codewords, those for error correction in each block, and the blocks. */
const VERSIONS = [
  { codewords: 26, correction: 10, blocks: 1 },
  { codewords: 44, correction: 16, blocks: 1 },
  { codewords: 70, correction: 26, blocks: 1 },
  { codewords: 100, correction: 18, blocks: 2 },
  { codewords: 134, correction: 24, blocks: 2 },
  { codewords: 172, correction: 16, blocks: 4 },
  { codewords: 196, correction: 18, blocks: 4 },
  { codewords: 242, correction: 22, blocks: 4 },
  { codewords: 292, correction: 22, blocks: 5 },
  { codewords: 346, correction: 26, blocks: 5 },
];

/** Rows and columns of the alignment patterns' centres, by version. */
const ALIGNMENTS = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
];

/** @type {((row: number, column: number) => boolean)[]} which modules a mask inverts */
const MASKS = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

const BYTE_MODE = 0b0100;
const LEVEL_M = 0b00;
const PADDING = [0xec, 0x11];
/** A finder pattern's proportions with the light space before or after it, which shall not occur elsewhere. */
const FINDER_LIKE = ["10111010000", "00001011101"];

/**
 * The symbol without its quiet zone.
 *
 * @param {string} text
 * @returns {boolean[][]} rows of modules, true is dark
 * @throws {RangeError} where the text is too long
 */
export function qrMatrix(text) {
  const bytes = new TextEncoder().encode(text);
  const version = smallestVersion(bytes.length);
  const codewords = interleave(dataCodewords(bytes, version), version);
  const candidates = MASKS.map((_, mask) => new Grid(version).fill(codewords, mask).rows);
  const penalties = candidates.map(penalty);
  return candidates[penalties.indexOf(Math.min(...penalties))];
}

/**
 * The dark modules as the `d` of an SVG path, one unit for each module.
 *
 * @param {boolean[][]} matrix
 * @returns {string}
 */
export function svgPath(matrix) {
  return matrix
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
}

/** @param {number} length  in bytes */
function smallestVersion(length) {
  const index = VERSIONS.findIndex((_, i) => headerBits(i + 1) + 8 * length <= 8 * dataCapacity(i + 1));
  if (index < 0) throw new RangeError("The text is too long for a QR code of version 10.");
  return index + 1;
}

/** @param {number} version */
function headerBits(version) {
  return 4 + lengthBits(version);
}

/** @param {number} version */
function lengthBits(version) {
  return version < 10 ? 8 : 16;
}

/** @param {number} version */
function dataCapacity(version) {
  const { codewords, correction, blocks } = VERSIONS[version - 1];
  return codewords - correction * blocks;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} version
 */
function dataCodewords(bytes, version) {
  const capacity = dataCapacity(version);
  const texts = [
    bits(BYTE_MODE, 4),
    bits(bytes.length, lengthBits(version)),
    ...Array.from(bytes, (byte) => bits(byte, 8)),
  ];
  const terminated = (texts.join("") + "0000").slice(0, 8 * capacity);
  const whole = terminated.padEnd(8 * Math.ceil(terminated.length / 8), "0");
  const found = (whole.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  for (let i = 0; found.length < capacity; i++) found.push(PADDING[i % 2]);
  return found;
}

/**
 * @param {number} value
 * @param {number} count
 */
function bits(value, count) {
  return value.toString(2).padStart(count, "0");
}

/**
 * The data in blocks, each with its error correction, then woven together codeword by codeword.
 *
 * @param {number[]} data
 * @param {number} version
 */
function interleave(data, version) {
  const { correction, blocks } = VERSIONS[version - 1];
  const shortLength = Math.floor(data.length / blocks);
  const longBlocks = data.length % blocks; // these come last and have one codeword more
  let start = 0;
  const parts = Array.from({ length: blocks }, (_, i) => {
    const length = shortLength + (i >= blocks - longBlocks ? 1 : 0);
    return data.slice(start, (start += length));
  });
  const generator = generatorPolynomial(correction);
  return [...weave(parts), ...weave(parts.map((part) => remainder(part, generator)))];
}

/** @param {number[][]} parts */
function weave(parts) {
  const longest = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => parts.flatMap((part) => part.slice(i, i + 1))).flat();
}

/**
 * The product of (x - 2^i), highest coefficient first and left out, as it is always 1.
 *
 * @param {number} degree
 */
function generatorPolynomial(degree) {
  let polynomial = [1];
  for (let i = 0, root = 1; i < degree; i++, root = multiply(root, 2)) {
    const shifted = [...polynomial, 0];
    polynomial = shifted.map((value, at) => value ^ (at > 0 ? multiply(polynomial[at - 1], root) : 0));
  }
  return polynomial.slice(1);
}

/**
 * The error correction of a block: what is left when it is divided by the generator.
 *
 * @param {number[]} data
 * @param {number[]} generator
 */
function remainder(data, generator) {
  const rest = generator.map(() => 0);
  for (const value of data) {
    const factor = value ^ /** @type {number} */ (rest.shift());
    rest.push(0);
    generator.forEach((coefficient, i) => (rest[i] ^= multiply(coefficient, factor)));
  }
  return rest;
}

/**
 * In the field of 256 elements with x^8 + x^4 + x^3 + x^2 + 1.
 *
 * @param {number} a
 * @param {number} b
 */
function multiply(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ (product & 0x80 ? 0x11d : 0);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/**
 * A value followed by the remainder that protects it.
 *
 * @param {number} value
 * @param {number} generator
 * @param {number} degree
 */
function protect(value, generator, degree) {
  let rest = value << degree;
  for (let bit = 31 - Math.clz32(rest); bit >= degree; bit--) {
    if ((rest >> bit) & 1) rest ^= generator << (bit - degree);
  }
  return (value << degree) | rest;
}

/** The square of modules while it is filled. */
class Grid {
  #version;
  #size;
  /** @type {(boolean|null)[][]} null: free for data */
  #modules;

  /** @param {number} version */
  constructor(version) {
    this.#version = version;
    this.#size = 17 + 4 * version;
    this.#modules = Array.from({ length: this.#size }, () => Array(this.#size).fill(null));
  }

  get rows() {
    return this.#modules.map((row) => row.map(Boolean));
  }

  /**
   * @param {number[]} codewords
   * @param {number} mask
   */
  fill(codewords, mask) {
    this.#drawFinders();
    this.#drawAlignments();
    this.#drawTiming();
    this.#drawFormat(mask);
    if (this.#version >= 7) this.#drawVersion();
    this.#drawData(codewords, MASKS[mask]);
    return this;
  }

  #drawFinders() {
    const far = this.#size - 4;
    for (const [row, column] of [[3, 3], [3, far], [far, 3]]) this.#drawRings(row, column, 4, [0, 1, 3]);
  }

  #drawAlignments() {
    const positions = ALIGNMENTS[this.#version - 1];
    for (const row of positions) {
      for (const column of positions) {
        const isFinder = this.#modules[row][column] !== null;
        if (!isFinder) this.#drawRings(row, column, 2, [0, 2]);
      }
    }
  }

  /**
   * Concentric squares.
   *
   * @param {number} row
   * @param {number} column
   * @param {number} radius
   * @param {number[]} darkRadii
   */
  #drawRings(row, column, radius, darkRadii) {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) {
        this.#set(row + y, column + x, darkRadii.includes(Math.max(Math.abs(x), Math.abs(y))));
      }
    }
  }

  #drawTiming() {
    for (let i = 8; i < this.#size - 8; i++) {
      this.#set(6, i, i % 2 === 0);
      this.#set(i, 6, i % 2 === 0);
    }
  }

  /** @param {number} mask */
  #drawFormat(mask) {
    const format = protect((LEVEL_M << 3) | mask, 0x537, 10) ^ 0x5412;
    const last = this.#size - 1;
    for (let i = 0; i < 15; i++) {
      const isDark = Boolean((format >> i) & 1);
      // Past the timing pattern, which takes row and column 6.
      const near = i < 6 ? i : i + 1;
      if (i < 8) {
        this.#set(near, 8, isDark);
        this.#set(8, last - i, isDark);
      } else {
        this.#set(8, i === 8 ? 7 : 14 - i, isDark);
        this.#set(last - 14 + i, 8, isDark);
      }
    }
    this.#set(this.#size - 8, 8, true);
  }

  #drawVersion() {
    const version = protect(this.#version, 0x1f25, 12);
    for (let i = 0; i < 18; i++) {
      const isDark = Boolean((version >> i) & 1);
      const [near, far] = [Math.floor(i / 3), this.#size - 11 + (i % 3)];
      this.#set(near, far, isDark);
      this.#set(far, near, isDark);
    }
  }

  /**
   * In columns of two from the right, upwards and downwards in turn.
   *
   * @param {number[]} codewords
   * @param {(row: number, column: number) => boolean} isInverted
   */
  #drawData(codewords, isInverted) {
    const stream = codewords.map((codeword) => bits(codeword, 8)).join("");
    let next = 0;
    for (const [row, column] of this.#dataPath()) {
      if (this.#modules[row][column] !== null) continue;
      this.#modules[row][column] = (stream[next++] === "1") !== isInverted(row, column);
    }
  }

  *#dataPath() {
    let isUpwards = true;
    for (let right = this.#size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5; // the timing pattern has a column of its own
      for (let i = 0; i < this.#size; i++) {
        const row = isUpwards ? this.#size - 1 - i : i;
        yield [row, right];
        yield [row, right - 1];
      }
      isUpwards = !isUpwards;
    }
  }

  /**
   * @param {number} row
   * @param {number} column
   * @param {boolean} isDark
   */
  #set(row, column, isDark) {
    if (this.#modules[row]?.[column] !== undefined) this.#modules[row][column] = isDark;
  }
}

/**
 * How hard a symbol is to read.
 *
 * @param {boolean[][]} rows
 */
function penalty(rows) {
  const columns = rows.map((_, i) => rows.map((row) => row[i]));
  const lines = [...rows, ...columns].map((line) => line.map(Number).join(""));
  const sumOf = (/** @type {(line: string) => number} */ measure) =>
    lines.reduce((sum, line) => sum + measure(line), 0);
  return sumOf(runPenalty) + sumOf(finderPenalty) + blockPenalty(rows) + balancePenalty(rows);
}

/** @param {string} line */
function runPenalty(line) {
  const runs = line.match(/0{5,}|1{5,}/g) ?? [];
  return runs.reduce((sum, run) => sum + run.length - 2, 0);
}

/** @param {string} line */
function finderPenalty(line) {
  let sum = 0;
  for (let i = 0; i <= line.length - 11; i++) if (FINDER_LIKE.includes(line.slice(i, i + 11))) sum += 40;
  return sum;
}

/** @param {boolean[][]} rows */
function blockPenalty(rows) {
  let sum = 0;
  for (let y = 1; y < rows.length; y++) {
    for (let x = 1; x < rows.length; x++) {
      const [a, b, c, d] = [rows[y][x], rows[y][x - 1], rows[y - 1][x], rows[y - 1][x - 1]];
      if (a === b && a === c && a === d) sum += 3;
    }
  }
  return sum;
}

/** @param {boolean[][]} rows */
function balancePenalty(rows) {
  const dark = rows.flat().filter(Boolean).length;
  const percent = (100 * dark) / rows.length ** 2;
  return 10 * Math.floor(Math.abs(percent - 50) / 5);
}
