//go:build race

package conform

// raceDetector reports whether the race detector is on, which makes everything some ten
// times slower: then tests whose cases tell by time what a peer does are left out.
const raceDetector = true
