/** Sounds, for whoever wishes: none until then. */

const KEPT = "party-play-sound";

/** @type {AudioContext|null} */
let context = null;

export function isSoundOn() {
  return localStorage.getItem(KEPT) === "on";
}

/** @param {boolean} isOn */
export function setSound(isOn) {
  localStorage.setItem(KEPT, isOn ? "on" : "off");
  if (isOn) play(660, 0.1);
}

/** A second of the last few is over. */
export function tick() {
  play(440, 0.05);
}

/** Something has begun or come to its end. */
export function chime() {
  play(660, 0.15);
  play(880, 0.25, 0.15);
}

/**
 * @param {number} hertz
 * @param {number} seconds
 * @param {number} [after]
 */
function play(hertz, seconds, after = 0) {
  if (!isSoundOn() || !("AudioContext" in window)) return;
  context ??= new AudioContext();
  const [tone, volume] = [context.createOscillator(), context.createGain()];
  const at = context.currentTime + after;
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.1, at);
  volume.gain.linearRampToValueAtTime(0, at + seconds);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + seconds);
}
