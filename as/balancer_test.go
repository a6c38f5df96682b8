package as

import (
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// upServer is a media server whose channel counts as up.
func upServer(name string, weight int) *mediaServer {
	return &mediaServer{cfg: MediaServerConfig{Name: name, Weight: weight}, client: &mscp.Client{}}
}

func TestBalancerSharesByWeight(t *testing.T) {
	b := newBalancer([]*mediaServer{upServer("a", 1), upServer("b", 2), upServer("c", 4)})
	var release []func()
	for range 70 {
		ms, r := b.reserve(nil)
		if ms == nil {
			t.Fatal("no server was picked")
		}
		release = append(release, r)
	}
	for name, want := range map[string]int{"a": 10, "b": 20, "c": 40} {
		if got := b.counts()[name]; got != want {
			t.Errorf("%s has %d sessions, want %d", name, got, want)
		}
	}
	for _, r := range release {
		r()
		r() // a second time must not count
	}
	for name, n := range b.counts() {
		if n != 0 {
			t.Errorf("%s has %d sessions after the end of all", name, n)
		}
	}
}

func TestBalancerTieGoesToTheLowestIndex(t *testing.T) {
	b := newBalancer([]*mediaServer{upServer("a", 3), upServer("b", 3)})
	if ms, _ := b.reserve(nil); ms.cfg.Name != "a" {
		t.Errorf("the first pick is %s", ms.cfg.Name)
	}
	if ms, _ := b.reserve(nil); ms.cfg.Name != "b" {
		t.Errorf("the second pick is %s", ms.cfg.Name)
	}
}

func TestBalancerSkips(t *testing.T) {
	a, b, c := upServer("a", 9), upServer("b", 1), upServer("c", 1)
	a.client = nil // its channel is down
	bal := newBalancer([]*mediaServer{a, b, c})
	if ms, _ := bal.reserve(map[*mediaServer]bool{b: true}); ms != c {
		t.Errorf("picked %v, want c", ms.cfg.Name)
	}
	if ms, release := bal.reserve(map[*mediaServer]bool{b: true, c: true}); ms != nil {
		t.Errorf("picked %v though none can be had", ms.cfg.Name)
	} else {
		release()
	}
}
