package cluster

import (
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/ms"
)

// changed are the settings of cfg, an as.Config or ms.Config, that differ from what its
// server ships with. A file of these alone is one that a person would write, and
// binaries of other versions take it.
func changed(cfg any) (map[string]any, error) {
	var shipped any = ms.DefaultConfig()
	if _, ok := cfg.(as.Config); ok {
		shipped = as.DefaultConfig()
	}
	set, err := settings(cfg)
	if err != nil {
		return nil, err
	}
	defaults, err := settings(shipped)
	if err != nil {
		return nil, err
	}
	dropEqual(set, defaults)
	return set, nil
}

// settings are those of a configuration, by their keys.
func settings(cfg any) (map[string]any, error) {
	b, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	var set map[string]any
	return set, yaml.Unmarshal(b, &set)
}

// dropEqual takes what is the same in defaults out of set.
func dropEqual(set, defaults map[string]any) {
	for key, v := range set {
		group, ok := v.(map[string]any)
		shipped, same := defaults[key].(map[string]any)
		if ok && same {
			dropEqual(group, shipped)
			if len(group) == 0 {
				delete(set, key)
			}
			continue
		}
		if reflect.DeepEqual(v, defaults[key]) {
			delete(set, key)
		}
	}
}
