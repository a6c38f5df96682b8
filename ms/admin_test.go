package ms

import "testing"

// TestAdminPages checks that the list of pages says what each is for.
func TestAdminPages(t *testing.T) {
	pages := adminPages(nil)
	for pattern := range pages.Handlers {
		if pages.About[pattern] == "" {
			t.Errorf("%s is not explained", pattern)
		}
	}
	if len(pages.About) != len(pages.Handlers) {
		t.Errorf("%d pages, %d explanations", len(pages.Handlers), len(pages.About))
	}
}
