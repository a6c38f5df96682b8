package grammar

import "testing"

// TestQuoteCuts cuts a text where it may be cut: not within a character.
func TestQuoteCuts(t *testing.T) {
	if got := Quote("aüü", 4); got != `"aü"` {
		t.Errorf("%s", got)
	}
}
