// Package secure opens the listeners of live mode and dials its peers: TLS, client
// certificates, bearer tokens and the limits that keep a stranger from filling the
// memory.
//
// Its opinion: telemetry steers an autoscaler, so whoever may send it may scale. A
// listener that anyone can reach must know who speaks.
//
//  1. [Load] reads certificates and tokens, once, and errs with the file's name;
//  2. [Server.Listen] refuses an address off loopback unless peers prove who they
//     are over TLS, by certificate or token, or [Options].AllowInsecure says that the
//     network in front does so; at most MaxConnections are open at a time;
//  3. [Server.GRPC] and [Server.HTTP] make servers that ask for the token before any
//     of a message is read, with bounds on messages, streams, headers and idle time;
//  4. [Client] is the other side: it never sends a token in the clear off loopback.
package secure
