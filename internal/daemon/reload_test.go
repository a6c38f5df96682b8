package daemon

import (
	"fmt"
	"testing"
	"time"
)

func TestChanged(t *testing.T) {
	type inner struct {
		Wait time.Duration `yaml:"wait"`
		List []string      `yaml:"list"`
	}
	type config struct {
		Name string `yaml:"name"`
		SIP  inner  `yaml:"sip"`
		MSRP inner  `yaml:"msrp"`
		Dial func() `yaml:"-"`
	}
	old := config{"a", inner{1, []string{"x"}}, inner{2, nil}, nil}
	for want, change := range map[string]func(*config){
		"[]":                   func(c *config) { c.Dial = func() {} },
		"[name]":               func(c *config) { c.Name = "b" },
		"[sip.list]":           func(c *config) { c.SIP.List = []string{"y"} },
		"[sip.wait msrp.list]": func(c *config) { c.SIP.Wait, c.MSRP.List = 5, []string{"z"} },
	} {
		next := old
		change(&next)
		if got := fmt.Sprint(Changed(old, &next)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := Changed(old, &old); len(got) > 0 {
		t.Errorf("nothing has changed, and got %s", got)
	}
	for key, want := range map[string]bool{"limits": true, "limits.calls": true, "limitsx": false, "a.limits": false, "admin": true} {
		if Under(key, "limits", "admin") != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}
