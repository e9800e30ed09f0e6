// The example of docs/client.md.

import { Party } from "https://example.org/party/static/party.js";

const party = await Party.join("K7MPQ2", { name: "Ben" });
party.addEventListener("message", ({ detail }) => console.log(detail.peerId, detail.data));
