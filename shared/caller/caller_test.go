package caller_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/caller"
)

const site = "6f1c2f4e-8a53-4a5e-9a0e-0d3c5b7e9f10"

func bearer(tb testing.TB, claims any) string {
	tb.Helper()
	payload, ok := claims.(string)
	if !ok {
		b, err := json.Marshal(claims)
		if err != nil {
			tb.Fatal(err)
		}
		payload = string(b)
	}
	return "Bearer eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

type claims = map[string]any

func with(change claims) claims {
	all := claims{"iss": "https://id.example", "sub": "ada", "site_id": site}
	maps.Copy(all, change)
	return all
}

func evidence(tb testing.TB, c any) caller.Evidence {
	tb.Helper()
	return caller.Evidence{Issuer: "https://id.example", Subject: "ada", Authorization: bearer(tb, c)}
}

func TestProve(t *testing.T) {
	for name, test := range map[string]struct {
		claims claims
		names  caller.Claims
		want   caller.Caller
	}{
		"bare":          {with(nil), caller.Claims{}, caller.Caller{}},
		"scope as text": {with(claims{"scope": "openid  arngate/connect"}), caller.Claims{}, caller.Caller{Scopes: []string{"openid", "arngate/connect"}}},
		"scp as list":   {with(claims{"scp": []string{"arngate/connect", "arngate/admin"}}), caller.Claims{}, caller.Caller{Scopes: []string{"arngate/connect", "arngate/admin"}}},
		"scp as text":   {with(claims{"scp": "arngate/audit arngate/act-as"}), caller.Claims{}, caller.Caller{Scopes: []string{"arngate/audit", "arngate/act-as"}}},
		// Trap 23a: API Gateway would have made two groups of it.
		"a group with a space":   {with(claims{"groups": []string{"x admin", "y"}}), caller.Claims{}, caller.Caller{Groups: []string{"x admin", "y"}}},
		"groups as one text":     {with(claims{"groups": "x admin"}), caller.Claims{}, caller.Caller{Groups: []string{"x admin"}}},
		"no groups":              {with(claims{"groups": []string{}}), caller.Claims{}, caller.Caller{}},
		"groups are null":        {with(claims{"groups": nil}), caller.Claims{}, caller.Caller{}},
		"an empty group":         {with(claims{"groups": []string{"", "x"}}), caller.Claims{}, caller.Caller{Groups: []string{"x"}}},
		"site in upper case":     {with(claims{"site_id": strings.ToUpper(site)}), caller.Claims{}, caller.Caller{}},
		"claims of other names":  {claims{"iss": "https://id.example", "sub": "ada", "org": site, "mail": "a@b.example", "roles": "r"}, caller.Claims{Site: "org", User: "mail", Groups: "roles"}, caller.Caller{User: "a@b.example", Actor: "a@b.example", Groups: []string{"r"}}},
		"other claims of a kind": {with(claims{"aud": []string{"a"}, "exp": 1.5, "deep": claims{"sub": "eve"}}), caller.Claims{}, caller.Caller{}},
	} {
		got, err := caller.NewProver(test.names).Prove(evidence(t, test.claims))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.want.Site = site
		if test.want.User == "" {
			test.want.User, test.want.Actor = "ada", "ada"
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNobodyIsProved(t *testing.T) {
	ok := bearer(t, with(nil))
	parts := strings.Split(strings.TrimPrefix(ok, "Bearer "), ".")
	change := func(f func(*caller.Evidence)) caller.Evidence {
		e := evidence(t, with(nil))
		f(&e)
		return e
	}
	token := func(s string) caller.Evidence {
		return change(func(e *caller.Evidence) { e.Authorization = s })
	}
	for name, test := range map[string]struct {
		evidence caller.Evidence
		want     error
	}{
		"no authorizer":        {change(func(e *caller.Evidence) { e.Issuer, e.Subject = "", "" }), caller.ErrNoAuthorizer},
		"no verified subject":  {change(func(e *caller.Evidence) { e.Subject = "" }), caller.ErrNoAuthorizer},
		"another subject":      {change(func(e *caller.Evidence) { e.Subject = "eve" }), caller.ErrOtherToken},
		"another issuer":       {change(func(e *caller.Evidence) { e.Issuer = "https://evil.example" }), caller.ErrOtherToken},
		"no header":            {token(""), caller.ErrToken},
		"another scheme":       {token("Basic " + parts[1]), caller.ErrToken},
		"no signature":         {token("Bearer " + parts[0] + "." + parts[1] + "."), caller.ErrToken},
		"two parts":            {token("Bearer " + parts[0] + "." + parts[1]), caller.ErrToken},
		"five parts":           {token("Bearer " + parts[0] + "." + parts[1] + ".a.b.c"), caller.ErrToken},
		"padded base64":        {token("Bearer " + parts[0] + "." + parts[1] + "=." + parts[2]), caller.ErrToken},
		"two tokens":           {token(ok + "," + ok), caller.ErrToken},
		"a token and more":     {token(ok + ",x"), caller.ErrToken},
		"payload no JSON":      {evidence(t, "{"), caller.ErrToken},
		"payload no object":    {evidence(t, `["sub"]`), caller.ErrToken},
		"trailing garbage":     {evidence(t, `{"iss":"https://id.example","sub":"ada"} {}`), caller.ErrToken},
		"a claim twice":        {evidence(t, `{"iss":"https://id.example","sub":"eve","sub":"ada","site_id":"`+site+`"}`), caller.ErrToken},
		"a site twice":         {evidence(t, `{"iss":"https://id.example","sub":"ada","site_id":"`+site+`","site_id":"`+site+`"}`), caller.ErrToken},
		"site no UUID":         {evidence(t, with(claims{"site_id": "acme"})), caller.ErrSite},
		"site with a tail":     {evidence(t, with(claims{"site_id": site + " "})), caller.ErrSite},
		"site of other dashes": {evidence(t, with(claims{"site_id": strings.ReplaceAll(site, "-", "_")})), caller.ErrSite},
		"site not hex":         {evidence(t, with(claims{"site_id": "z" + site[1:]})), caller.ErrSite},
		"no site":              {evidence(t, with(claims{"site_id": ""})), caller.ErrSite},
		"site is null":         {evidence(t, with(claims{"site_id": nil})), caller.ErrSite},
		"site a list":          {evidence(t, with(claims{"site_id": []string{site}})), caller.ErrClaim},
		"site a number":        {evidence(t, with(claims{"site_id": 1})), caller.ErrClaim},
		"groups of numbers":    {evidence(t, with(claims{"groups": []any{"x", 1}})), caller.ErrClaim},
		"groups an object":     {evidence(t, with(claims{"groups": claims{"x": true}})), caller.ErrClaim},
		"scope a number":       {evidence(t, with(claims{"scope": 1})), caller.ErrClaim},
		"reserved user": {change(func(e *caller.Evidence) {
			e.Subject = "arngate-audit"
			e.Authorization = bearer(t, with(claims{"sub": "arngate-audit"}))
		}), caller.ErrReserved},
		"reserved in capitals": {change(func(e *caller.Evidence) {
			e.Subject = "Arngate-Audit"
			e.Authorization = bearer(t, with(claims{"sub": "Arngate-Audit"}))
		}), caller.ErrReserved},
	} {
		got, err := caller.NewProver(caller.Claims{}).Prove(test.evidence)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		if diff := cmp.Diff(caller.Caller{}, got); diff != "" {
			t.Errorf("%s: somebody is proved:\n%s", name, diff)
		}
	}
	if _, err := caller.NewProver(caller.Claims{User: "email"}).Prove(evidence(t, with(nil))); !errors.Is(err, caller.ErrUser) {
		t.Errorf("no user claim: %v, want %v", err, caller.ErrUser)
	}
	audit := caller.Evidence{Issuer: "https://id.example", Subject: "arngate-audit"}
	audit.Authorization = bearer(t, with(claims{"sub": "arngate-audit", "email": "a@b.example"}))
	if _, err := caller.NewProver(caller.Claims{User: "email"}).Prove(audit); !errors.Is(err, caller.ErrReserved) {
		t.Errorf("reserved subject of another user: %v, want %v", err, caller.ErrReserved)
	}
	e := evidence(t, with(claims{"email": "arngate-audit"}))
	if _, err := caller.NewProver(caller.Claims{User: "email"}).Prove(e); !errors.Is(err, caller.ErrReserved) {
		t.Errorf("reserved in the user's claim: %v, want %v", err, caller.ErrReserved)
	}
}

func TestActAs(t *testing.T) {
	act := func(scope, user string) (caller.Caller, error) {
		e := evidence(t, with(claims{"scope": scope, "groups": []string{"staff"}}))
		e.Acts, e.ActingUser = true, user
		return caller.NewProver(caller.Claims{}).Prove(e)
	}
	got, err := act("arngate/connect arngate/act-as", "grace")
	want := caller.Caller{Site: site, User: "grace", Actor: "ada", Acting: true, Scopes: []string{"arngate/connect", "arngate/act-as"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("act-as: %v (-want +got):\n%s", err, diff)
	}
	for _, test := range []struct {
		scope, user string
		want        error
	}{
		{"arngate/connect", "grace", caller.ErrActAsScope}, // refused, not ignored
		{"arngate/connect", "", caller.ErrActAsScope},
		{"arngate/act-as", "", caller.ErrActingUser},
		{"arngate/act-as", "  ", caller.ErrActingUser},
		{"arngate/act-as", "grace,linus", caller.ErrActingUser},
		{"arngate/act-as", "grace,", caller.ErrActingUser},
		{"arngate/act-as", "arngate-audit", caller.ErrReserved},
		{"arngate/act-as", " ARNGATE-audit ", caller.ErrReserved},
	} {
		if _, err := act(test.scope, test.user); !errors.Is(err, test.want) {
			t.Errorf("scope %q, header %q: %v, want %v", test.scope, test.user, err, test.want)
		}
	}
	// A backend's token needs a subject, not the claim that names users.
	e := evidence(t, with(claims{"scope": "arngate/act-as"}))
	e.Acts, e.ActingUser = true, "grace"
	if got, err := caller.NewProver(caller.Claims{User: "email"}).Prove(e); err != nil || got.Actor != "ada" || got.User != "grace" {
		t.Errorf("backend without the user's claim: %+v, %v", got, err)
	}
}

func TestBareTokenIsTaken(t *testing.T) {
	e := evidence(t, with(nil))
	e.Authorization = strings.TrimPrefix(e.Authorization, "Bearer ")
	if _, err := caller.NewProver(caller.Claims{}).Prove(e); err != nil {
		t.Error(err)
	}
}

func TestAudit(t *testing.T) {
	got := caller.Audit(site)
	if got.User != caller.AuditUser || got.Actor != caller.AuditUser || got.Acting || got.HasAny(caller.ScopeConnect, caller.ScopeAdmin) {
		t.Errorf("Audit() = %+v", got)
	}
}

// Whatever a group is called, it arrives as one group of that name.
func TestGroupsArriveAsTheyAre(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.StringMatching(`[a-z ,\[\]"\\:/é\x00-]{1,8}`), 1, 5).Draw(rt, "groups")
		got, err := caller.NewProver(caller.Claims{}).Prove(evidence(t, with(claims{"groups": want})))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Groups); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// A prover that has read a token before says of every request what one that hasn't would say: what it remembers is what the header
// holds, and nothing of who came with it, or as whom.
func TestPropertyARememberedTokenProvesNoMore(t *testing.T) {
	headers := []string{
		"", "Bearer a.b.c", "Basic x", bearer(t, with(nil)), bearer(t, with(claims{"groups": []string{"staff"}})),
		strings.TrimPrefix(bearer(t, with(nil)), "Bearer "), bearer(t, with(nil)) + "x", bearer(t, with(claims{"sub": "eve"})),
		bearer(t, with(claims{"scope": "arngate/act-as"})), bearer(t, with(claims{"site_id": "acme"})), bearer(t, with(claims{"groups": 1})),
	}
	rapid.Check(t, func(rt *rapid.T) {
		names := caller.Claims{User: rapid.SampledFrom([]string{"", "email"}).Draw(rt, "user's claim")}
		prover := caller.NewProver(names)
		for range rapid.IntRange(1, 20).Draw(rt, "requests") {
			e := caller.Evidence{
				Issuer:        rapid.SampledFrom([]string{"https://id.example", "https://evil.example", ""}).Draw(rt, "issuer"),
				Subject:       rapid.SampledFrom([]string{"ada", "eve", ""}).Draw(rt, "subject"),
				Authorization: rapid.SampledFrom(headers).Draw(rt, "header"),
				Acts:          rapid.Bool().Draw(rt, "acts"),
				ActingUser:    rapid.SampledFrom([]string{"grace", ""}).Draw(rt, "acting user"),
			}
			want, wantErr := caller.NewProver(names).Prove(e)
			got, err := prover.Prove(e)
			if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, wantErr) {
				rt.Fatalf("%+v: %v, want %v (-want +got):\n%s", e, err, wantErr, diff)
			}
		}
	})
}

// An instance meets more callers than it remembers.
func TestManyTokens(t *testing.T) {
	prover := caller.NewProver(caller.Claims{})
	for range 2 {
		for i := range 1200 {
			user := "user-" + strconv.Itoa(i)
			e := caller.Evidence{Issuer: "https://id.example", Subject: user, Authorization: bearer(t, with(claims{"sub": user}))}
			if got, err := prover.Prove(e); err != nil || got.User != user {
				t.Fatalf("%s: proved %q, %v", user, got.User, err)
			}
		}
	}
}
