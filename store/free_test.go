package store

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestFreeSpaceIsLookedAtByTime counts the looks, with plenty of room and with little.
func TestFreeSpaceIsLookedAtByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, looks := int64(2*plenty), 0
		var broken error
		f := freeSpace{read: func(string) (int64, error) { looks++; return free, broken }}
		below := func(limit int64, want bool, wantLooks int) {
			t.Helper()
			looks = 0
			for range 10 {
				if got, err := f.below("", limit); got != want || err != nil {
					t.Fatalf("below %d: %v, %v", limit, got, err)
				}
			}
			if looks != wantLooks {
				t.Errorf("%d looks, want %d", looks, wantLooks)
			}
		}
		below(plenty, false, 1)
		below(plenty, false, 0)
		below(plenty+1, false, 10) // a higher limit, with less than plenty above it
		time.Sleep(freeLook)
		below(plenty, false, 1)
		free = plenty
		below(plenty, false, 0) // not seen yet
		time.Sleep(freeLook)
		below(plenty, false, 10)
		free--
		below(plenty, true, 10)
		free = 2 * plenty
		below(plenty, false, 1) // room again: seen at once
		time.Sleep(freeLook)
		broken = errors.ErrUnsupported
		if _, err := f.below("", plenty); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}
