package strictpeer

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
)

// authorize answers a digest challenge with MD5. See RFC 2617, section 3.2.2.
func authorize(challenge, method, uri, user, password string) string {
	param := func(name string) string {
		_, rest, ok := strings.Cut(challenge, name+`="`)
		if !ok {
			return ""
		}
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	hash := func(s string) string {
		sum := md5.Sum([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	realm, nonce, opaque := param("realm"), param("nonce"), param("opaque")
	ha1, ha2 := hash(user+":"+realm+":"+password), hash(method+":"+uri)
	v := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5`, user, realm, nonce, uri)
	if strings.Contains(challenge, "qop=") {
		cnonce := token(16)
		v += fmt.Sprintf(`, qop=auth, nc=00000001, cnonce="%s", response="%s"`, cnonce, hash(ha1+":"+nonce+":00000001:"+cnonce+":auth:"+ha2))
	} else {
		v += fmt.Sprintf(`, response="%s"`, hash(ha1+":"+nonce+":"+ha2))
	}
	if opaque != "" {
		v += `, opaque="` + opaque + `"`
	}
	return v
}
