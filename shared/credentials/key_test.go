package credentials

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every field of Key changes the digest: a new one that Digest forgets fails here.
func TestTrap3DigestCoversEveryField(t *testing.T) {
	var zero Key
	seen := map[[32]byte]string{zero.Digest(): "none"}
	for i := range reflect.TypeFor[Key]().NumField() {
		var key Key
		field, name := reflect.ValueOf(&key).Elem().Field(i), reflect.TypeFor[Key]().Field(i).Name
		if field.Kind() == reflect.String {
			field.SetString("x")
		} else { // an array of bytes; for any other kind this panics and wants to be taught
			field.Index(0).SetUint(1)
		}
		if other, ok := seen[key.Digest()]; ok {
			t.Errorf("%s makes the same digest as %s", name, other)
		}
		seen[key.Digest()] = name
	}
}

// The digest tells keys apart whose fields join to the same text: ab+c and a+bc.
func TestTrap3DigestIsLengthPrefixed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		joined := rapid.StringMatching(`[a-c]{7,14}`).Draw(rt, "joined")
		one, other := split(rt, joined), split(rt, joined)
		if (one == other) != (one.Digest() == other.Digest()) {
			rt.Fatalf("%+v and %+v", one, other)
		}
	})
}

// Nor does it help that the fields hold what another way of joining them would put in between.
func TestTrap3DigestHasNoSeparators(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		separator := rapid.SampledFrom([]string{"\x00", "\x01", "#", "/", "|"}).Draw(rt, "separator")
		texts := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,2}`), 9, 9).Draw(rt, "texts")
		one, other := group(rt, texts, separator), group(rt, texts, separator)
		if (one == other) != (one.Digest() == other.Digest()) {
			rt.Fatalf("%+v and %+v", one, other)
		}
	})
}

// group makes the fields of a key of texts, some of them together, as if they were joined with separator.
func group(rt *rapid.T, texts []string, separator string) Key {
	var parts [7]string
	for i := range parts {
		n := 1
		if spare := len(texts) - (len(parts) - i); i == len(parts)-1 {
			n = len(texts)
		} else if spare > 0 {
			n += rapid.IntRange(0, spare).Draw(rt, "more")
		}
		parts[i], texts = strings.Join(texts[:n], separator), texts[n:]
	}
	return keyWith(parts)
}

// split cuts joined into the fields of a key at drawn places.
func split(rt *rapid.T, joined string) Key {
	var parts [7]string
	for i := range parts {
		if i == len(parts)-1 {
			parts[i] = joined
			break
		}
		n := rapid.IntRange(0, len(joined)).Draw(rt, "cut")
		parts[i], joined = joined[:n], joined[n:]
	}
	return keyWith(parts)
}

func keyWith(parts [7]string) Key {
	return Key{
		Site: parts[0], User: parts[1], Actor: parts[2], Provider: parts[3], ProviderRevision: parts[4],
		Connection: parts[5], ConnectionRevision: parts[6],
	}
}

// Whatever a user is called, its names are such as AWS takes, and another's are others.
func FuzzSessionNames(f *testing.F) {
	const site = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	for _, user := range []string{"", "a", "ada", "ada@example.com", strings.Repeat("x", 300), "Jörg Müller", "a:b/c", "\xff", "*", "日本"} {
		f.Add(user, user+"x")
		f.Add(user, strings.ToUpper(user))
	}
	f.Add("a:b", "a/b")
	f.Add("a\xff", "a\xfe")
	f.Add(strings.Repeat("x", 64), strings.Repeat("x", 65))
	f.Add(strings.Repeat("x", 256)+"y", strings.Repeat("x", 256)+"z")
	f.Fuzz(func(t *testing.T, user, other string) {
		names := [...]struct {
			of       func(string) string
			min, max int
			takes    func(rune) bool
		}{
			{func(user string) string { return SessionName(user, site) }, 2, 64, sessionRune},
			{SourceIdentity, 2, 64, sessionRune},
			{func(user string) string { return FederationName(user, site) }, 2, 32, sessionRune},
			{TagValue, 0, 256, tagRune},
		}
		for i, name := range names {
			made := name.of(user)
			if n := len([]rune(made)); n < name.min || n > name.max || strings.IndexFunc(made, func(r rune) bool { return !name.takes(r) }) >= 0 {
				t.Errorf("name %d of %q is %q", i, user, made)
			}
			if user != other && made == name.of(other) {
				t.Errorf("name %d of %q and of %q is %q", i, user, other, made)
			}
		}
	})
}
