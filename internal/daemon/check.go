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

// CheckListen tells what is wrong with an address to listen at: it is host:port,
// the port from 0 to 65535.
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

// CheckNamed is CheckListen for an address that peers are told: its host is one
// that they can reach.
func CheckNamed(addr string) error {
	if err := CheckListen(addr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(addr)
	return CheckHost(host)
}

// CheckHost tells what is wrong with a host that peers are told.
func CheckHost(host string) error {
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		return fmt.Errorf("%q is no host that others could reach; name the one that they are to use", host)
	}
	if strings.ContainsAny(host, " \t\r\n\"<>@;/?,") {
		return fmt.Errorf("%q is neither an address nor a host name", host)
	}
	return nil
}

// CheckAdminHost tells what is wrong with a name for the admin endpoint.
func CheckAdminHost(host string) error {
	if host == "" || strings.ContainsAny(host, ":/@*, \t") {
		return fmt.Errorf("%q is not a host name without a port", host)
	}
	return nil
}

// CheckUser tells what is wrong with the user part of a SIP URI of ours: it is of
// letters, digits and -_.!~*'()&=+$, at least one. See RFC 3261, section 25.1.
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

// CheckName tells what is wrong with the name of a node, which goes into logs,
// traces and metrics.
func CheckName(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\r\n/\\\"") {
		return fmt.Errorf("%q is empty or has blanks, quotes or slashes", name)
	}
	return nil
}

// CheckLevel tells what is wrong with a level for Logger.
func CheckLevel(level string) error {
	if err := new(slog.Level).UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn, error", level)
	}
	return nil
}

// Keys are the keys, like sip.listen, of all settings of a configuration, a
// struct whose fields have yaml tags, in the order of the fields.
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
