"""Paths between pages that a test takes away and gives back, as if a firewall stood between them."""

# Until `noPath` is false no connection finds a candidate; `breakPaths` ends those that there are, as a
# change of networks does.
SWITCHED = """
globalThis.noPath = %s;
const connections = [];
const chosen = (given) => ({ ...given, ...(noPath && { iceServers: [], iceTransportPolicy: "relay" }) });
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) {
    super(chosen(configuration));
    connections.push(this);
  }
  setConfiguration(configuration) {
    super.setConfiguration(chosen(configuration));
  }
};
globalThis.breakPaths = () => connections.splice(0).forEach((connection) => connection.close());
"""
NO_PATH = SWITCHED % "true"
PATH = SWITCHED % "false"
