package credentials_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/credentials"
)

// Session names and external ids allow different characters: ":" and "/" are only for the latter.
func TestTrap14SessionNames(t *testing.T) {
	for _, c := range []struct{ user, want string }{
		{"ada", "ada@" + siteA},
		{"ada@example.com", "ada@example.com@" + siteA},
		{strings.Repeat("x", 27), strings.Repeat("x", 27) + "@" + siteA},
		{strings.Repeat("x", 28), strings.Repeat("x", 18) + "-" + "f3b43939" + "@" + siteA},
		{"auth0:ada", "auth0_ada-" + "17b819be" + "@" + siteA},
		{"Jörg/M", "J_rg_M-" + "d8ced551" + "@" + siteA},
	} {
		got := credentials.SessionName(c.user, siteA)
		if len(got) > 64 {
			t.Errorf("%q: %d characters", c.user, len(got))
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.user, got, c.want)
		}
	}
	if a, b := credentials.SessionName("a:b", siteA), credentials.SessionName("a/b", siteA); a == b {
		t.Errorf("two users have one name: %s", a)
	}
}

func TestSourceIdentities(t *testing.T) {
	if got, want := credentials.SourceIdentity("ada"), "ada"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := credentials.SourceIdentity("a"), "a-ca978112"; got != want { // two characters at least
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := credentials.SourceIdentity(strings.Repeat("y", 65)), strings.Repeat("y", 55)+"-"; !strings.HasPrefix(got, want) || len(got) != 64 {
		t.Errorf("got %q, want 64 characters that begin with %q", got, want)
	}
}

func TestTrap50TagValues(t *testing.T) {
	for value, want := range map[string]string{
		"Jörg Müller":            "Jörg Müller",
		"a:b/c=d+e-f@g.h_i":      "a:b/c=d+e-f@g.h_i",
		"":                       "",
		strings.Repeat("é", 256): strings.Repeat("é", 256),
		"*":                      "_-684888c0",
	} {
		if got := credentials.TagValue(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
	if got := len([]rune(credentials.TagValue(strings.Repeat("é", 257)))); got != 256 {
		t.Errorf("got %d characters, want 256", got)
	}
}

func TestFederationNames(t *testing.T) {
	long := strings.Repeat("u", 40)
	got := credentials.FederationName(long, siteA)
	if len(got) != 32 || !strings.HasPrefix(got, strings.Repeat("u", 23)+"-") {
		t.Errorf("got %q, want 23 characters of the user and a hash", got)
	}
	if got == credentials.FederationName(long, siteB) {
		t.Error("the same user at two sites has one name")
	}
	if credentials.FederationName("ab", "c") == credentials.FederationName("b", "ca") {
		t.Error("site and user are joined without lengths")
	}
}

// A name is kept as it is if AWS takes it, and only then, whatever character it holds.
func TestNamesKeepWhatAWSTakes(t *testing.T) {
	// The patterns of AWS STS's API Reference: AssumeRole (SourceIdentity), Tag (Value).
	identity, tag := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`), regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)
	for r := rune(1); r < 0x2100; r++ {
		name := "u" + string(r)
		if got, want := credentials.SourceIdentity(name) == name, identity.MatchString(name); got != want {
			t.Errorf("source identity of %q: kept %t, want %t", name, got, want)
		}
		if got, want := credentials.TagValue(name) == name, tag.MatchString(name); got != want {
			t.Errorf("tag value of %q: kept %t, want %t", name, got, want)
		}
	}
}
