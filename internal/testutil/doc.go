// Package testutil has what tests of several packages need. Only tests may import it.
package testutil
