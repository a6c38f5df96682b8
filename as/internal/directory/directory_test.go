package directory

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDirectorySurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.db")
	d := openTest(t, path)
	since := time.Unix(1_000_000, 42)
	bob := Pair{Recipient: "sip:bob@example.com", Sender: "sip:alice@example.com", Server: "ms1", Since: since}
	carol := Pair{Recipient: "sip:carol@example.com", Sender: "sip:alice@example.com", Server: "ms2", Since: since}
	later := bob
	later.Since = since.Add(time.Hour)
	for _, p := range []Pair{bob, carol, later} {
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Remove(carol); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(carol); err != nil {
		t.Errorf("a second Remove: %v", err)
	}
	d.Close()

	d = openTest(t, path)
	defer d.Close()
	var got []Pair
	if err := d.Each(func(p Pair) error { got = append(got, p); return nil }); err != nil {
		t.Fatal(err)
	}
	same := func(a, b Pair) bool {
		return a.Since.Equal(b.Since) && a.Recipient == b.Recipient && a.Sender == b.Sender && a.Server == b.Server
	}
	if !slices.EqualFunc(got, []Pair{bob}, same) {
		t.Errorf("after reopening: %v, want only %v with its first time", got, bob)
	}
}

func TestDirectoryRefusesWhatItCannotHold(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "as.db"))
	defer d.Close()
	long := Pair{Recipient: "sip:" + strings.Repeat("x", maxPairKey) + "@example.com"}
	if err := d.Add(long); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long URI: %v", err)
	}
	if err := d.Add(Pair{Recipient: "a\x00b"}); err == nil {
		t.Error("a NUL was taken")
	}
}

func openTest(t testing.TB, path string) *Directory {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
