// Package admit counts who holds what at a port, and decides who may have more: of one
// source, of all strangers together, and of the peers, for whom a place is always kept.
//
// The rule behind it: a limit for each of many is no limit for the process, and strangers
// must not be able to use up what peers need. So peers and strangers are counted apart,
// and strangers share what is theirs by source:
//
//   - A source has no more than its limit; what is beyond is refused.
//   - When the strangers' places are all taken, a newcomer gets the place of the oldest
//     holder that has proved nothing, of the source that holds the most. So a source that
//     floods pushes out its own, and not others'.
//   - A holder that has proved itself keeps its place. When all have, a newcomer is refused.
package admit
