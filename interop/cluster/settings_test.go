package cluster

import (
	"reflect"
	"testing"
	"time"

	"github.com/gomscp/gomscp/ms"
)

// TestChanged writes what differs from the settings that ship, and nothing else.
func TestChanged(t *testing.T) {
	cfg := ms.DefaultConfig()
	if set, err := changed(cfg); err != nil || len(set) > 0 {
		t.Errorf("the defaults are %v, %v", set, err)
	}
	cfg.Name, cfg.MSRP.Listen, cfg.Access.Peers = "a", "127.0.0.2:1", []string{"127.0.0.2"}
	cfg.Hold = 3 * time.Second
	set, err := changed(cfg)
	want := map[string]any{"name": "a", "msrp": map[string]any{"listen": "127.0.0.2:1"}, "access": map[string]any{"peers": []any{"127.0.0.2"}}, "hold": "3s"}
	if err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("got %v, %v", set, err)
	}
}
