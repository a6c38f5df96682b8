package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// CheckListen returns an error if an address to listen at is not host:port with a port
// from 0 to 65535.
func CheckListen(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port: %w", addr, err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q: the port %q is not from 0 to 65535", addr, port)
	}
	return nil
}

// CheckNamed is CheckListen for an address that peers use: they must be able to reach its
// host.
func CheckNamed(addr string) error {
	if err := CheckListen(addr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(addr)
	return CheckHost(host)
}

// CheckHost returns an error if peers cannot use a host.
func CheckHost(host string) error {
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		return fmt.Errorf("%q is no host that others could reach; name the one that they are to use", host)
	}
	if strings.ContainsAny(host, " \t\r\n\"<>@;/?,") {
		return fmt.Errorf("%q is neither an address nor a host name", host)
	}
	return nil
}

// CheckAdminHost returns an error if a host name for the admin endpoint is not valid.
func CheckAdminHost(host string) error {
	if host == "" || strings.ContainsAny(host, ":/@*, \t") {
		return fmt.Errorf("%q is not a host name without a port", host)
	}
	return nil
}

// CheckUser returns an error if the user part of one of our SIP URIs is not valid. It
// needs at least one of the letters, digits and -_.!~*'()&=+$. See RFC 3261, section
// 25.1.
func CheckUser(user string) error {
	for _, r := range user {
		if r > 0x7e || !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-_.!~*'()&=+$,", r)) {
			return fmt.Errorf("%q has a %q; letters, digits and -_.!~*'()&=+$, are allowed", user, r)
		}
	}
	if user == "" {
		return fmt.Errorf("must not be empty")
	}
	return nil
}

// CheckName returns an error if the name of a node is not valid in logs, traces and
// metrics.
func CheckName(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\r\n/\\\"") {
		return fmt.Errorf("%q is empty or has blanks, quotes or slashes", name)
	}
	return nil
}

// CheckLevel returns an error if a level for Logger is not valid.
func CheckLevel(level string) error {
	if err := new(slog.Level).UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn, error", level)
	}
	return nil
}

// Keys returns the keys, such as sip.listen, of all settings of a configuration, in the
// order of the fields. config is a struct with yaml tags.
func Keys(config any) []string {
	return keysOf(nil, "", reflect.Indirect(reflect.ValueOf(config)).Type())
}

func keysOf(keys []string, prefix string, t reflect.Type) []string {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "-" {
			continue // no setting
		}
		if f := t.Field(i).Type; f.Kind() == reflect.Struct {
			keys = keysOf(keys, prefix+name+".", f)
		} else {
			keys = append(keys, prefix+name)
		}
	}
	return keys
}
