package sipua

import (
	"slices"
	"strings"
)

// addressSchemes are those that users know as the begin of an address.
var addressSchemes = []string{"sip", "sips", "tel", "im", "pres", "mailto", "xmpp"}

// likeASCII are characters that look like those which addresses are made of.
var likeASCII = strings.NewReplacer("\uff20", "@", "\ufe6b", "@", "\uff0e", ".", "\u3002", ".", "\uff1a", ":", "\ufe55", ":", "\u2024", ".")

// AddressesIn are the words of a display name that its readers may take for a user's
// address, as URIs: "boss@example.com" is one of the scheme sip. A word with "@" counts if
// its host has a dot, is "localhost", or is an IPv6 address.
func AddressesIn(name string) (uris []string) {
	for _, word := range strings.Fields(likeASCII.Replace(name)) {
		word = strings.Trim(word, `"'()[]{}<>,;!?.`)
		scheme, rest, ok := strings.Cut(word, ":")
		if ok && rest != "" && slices.Contains(addressSchemes, strings.ToLower(scheme)) {
			uris = append(uris, word)
			continue
		}
		user, host, ok := strings.Cut(word, "@")
		if ok && user != "" && (strings.ContainsAny(host, ".[") || strings.EqualFold(host, "localhost")) {
			uris = append(uris, "sip:"+word)
		}
	}
	return uris
}
