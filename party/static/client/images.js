/** Images, as a feature: files that are uploaded into the room, to be shown in messages. */

import { membershipOf } from "./membership.js";
import { retrying } from "./timing.js";

/** @typedef {import("./contract.js").UploadedImage} UploadedImage */

/** For 2 MiB on a slow way out. */
const UPLOAD_TIMEOUT_MS = 120_000;

/** What a party can upload. */
export class Images {
  /**
   * Upload an image, as the host or a player: a PNG, JPEG, GIF or WebP of at most 2 MiB. The service keeps its pixels
   * and nothing else.
   *
   * @param {Blob} file  a `File` from an input, a drop or the clipboard, or any other `Blob`
   * @returns {Promise<UploadedImage>} its `imageId` is for `say`, its `url` for an `<img>`
   */
  async upload(file) {
    if (!(file instanceof Blob)) throw new TypeError("An image is a File or a Blob.");
    const { api } = membershipOf(this);
    const form = new FormData();
    form.append("image", file);
    const image = await retrying(() => api.post("images", form, { timeoutMs: UPLOAD_TIMEOUT_MS }), 2);
    return { ...image, url: new URL(image.url, api.baseUrl).href };
  }
}
