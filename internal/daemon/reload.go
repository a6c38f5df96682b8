package daemon

import (
	"reflect"
	"strings"
)

// Changed returns the keys, such as sip.listen, of the settings in which two
// configurations differ, in the order of their fields. Both must be structs of the same
// type with yaml tags, or pointers to them. A list is one setting.
func Changed(old, new any) []string {
	return changed(nil, "", reflect.Indirect(reflect.ValueOf(old)), reflect.Indirect(reflect.ValueOf(new)))
}

func changed(keys []string, prefix string, a, b reflect.Value) []string {
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if name == "-" {
			continue // no setting
		}
		key, x, y := prefix+name, a.Field(i), b.Field(i)
		if x.Kind() == reflect.Struct {
			keys = changed(keys, key+".", x, y)
		} else if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Under reports whether a key is one of the names, or below one of them: limits.calls is
// below limits.
func Under(key string, names ...string) bool {
	for _, name := range names {
		if rest, ok := strings.CutPrefix(key, name); ok && (rest == "" || rest[0] == '.') {
			return true
		}
	}
	return false
}
