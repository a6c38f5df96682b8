// Package admit counts the places in use at a port and decides whether a connection gets
// a place. There are limits for each source, for all strangers together, and for peers,
// who have their own places.
//
// A limit for each source is not enough, because there may be many sources. And strangers
// must not be able to use up the places of peers. So peers and strangers are counted
// apart, by these rules:
//
//   - A source has no more places than its limit; more are refused.
//   - If all places of strangers are taken, a new connection replaces an old one: the
//     oldest unproved connection of the source with the most. So a source that floods
//     loses its own connections.
//   - A proved connection keeps its place. If all are proved, a new one is refused.
package admit
