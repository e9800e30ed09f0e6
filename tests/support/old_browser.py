"""A script that makes an old browser of a new one."""

# What Safari 15.0, Chrome 99 or Firefox 113 lacks, as far as somebody might write it without thinking.
TAKE_AWAY = """
const gone = {
  "Array.prototype": "at findLast findLastIndex toSorted toReversed toSpliced with group groupToMap",
  "Array": "fromAsync",
  "Object.getPrototypeOf(Uint8Array.prototype)": "at findLast findLastIndex toSorted toReversed with",
  "Uint8Array.prototype": "toHex toBase64 setFromHex setFromBase64",
  "Uint8Array": "fromHex fromBase64",
  "ArrayBuffer.prototype": "transfer transferToFixedLength resize",
  "String.prototype": "at isWellFormed toWellFormed",
  "Object": "hasOwn groupBy",
  "Map": "groupBy",
  "Set.prototype": "union intersection difference symmetricDifference isSubsetOf isSupersetOf isDisjointFrom",
  "Promise": "withResolvers try",
  "AbortSignal": "abort any timeout",
  "AbortSignal.prototype": "throwIfAborted reason",
  "Crypto.prototype": "randomUUID subtle",
  "Response": "json",
  "URL": "canParse parse",
  "URLSearchParams.prototype": "size",
  "Navigator.prototype": "locks userActivation",
  "Element.prototype": "checkVisibility setHTML setHTMLUnsafe",
  "HTMLElement.prototype": "showPopover hidePopover togglePopover popover inert",
  "HTMLDialogElement.prototype": "show showModal",
  "RTCRtpSender.prototype": "setStreams",
  "globalThis": "structuredClone BroadcastChannel LockManager Iterator scheduler requestIdleCallback"
    + " URLPattern CompressionStream DecompressionStream",
};
for (const [owner, names] of Object.entries(gone)) {
  const object = (0, eval)(owner);
  for (const name of names.split(" ")) delete object[name];
}
const abort = AbortController.prototype.abort;
AbortController.prototype.abort = function () {
  abort.call(this);
};
"""
