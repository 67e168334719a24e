package deployment_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// trusting is a trust policy of these statements; GATEWAY and SITE stand for what they name.
func trusting(s *deploymenttest.Stack, statements ...string) string {
	text := strings.Join(statements, ",")
	text = strings.ReplaceAll(text, "GATEWAY", s.Template.Outputs["GatewayRoleArn"])
	text = strings.ReplaceAll(text, "SITE", demosite.Site)
	return `{"Version":"2012-10-17","Statement":[` + text + `]}`
}

const (
	assumable = `{"Effect":"Allow","Principal":{"AWS":"GATEWAY"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"SITE"}}}`
	traceable = `{"Effect":"Allow","Principal":{"AWS":"GATEWAY"},"Action":["sts:TagSession","sts:SetSourceIdentity"]}`
	open      = `{"Effect":"Allow","Principal":{"AWS":"GATEWAY"},"Action":"sts:AssumeRole"}`
)

func under(condition string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"GATEWAY"},"Action":"sts:AssumeRole","Condition":` + condition + `}`
}

// provide makes a provider and a connection on a role of that trust, verifies, and returns what verify found.
func provide(t *testing.T, s *deploymenttest.Stack, name, trust string) (status, trace string) {
	t.Helper()
	arn := s.RoleTrusting("/skuid-assumable-role/", name, trust, "AdministratorAccess")
	want(t, s.Call(http.MethodPost, "/v1/providers", s.Admin(), provider(name, arn)), http.StatusCreated, name)
	s.Connection(name, "s3", name, `"buckets":[{"name":"demo-files"}]`)
	verified := s.Verify(name)
	time.Sleep(time.Minute) // for the next verify
	return verified.Field("status"), verified.Field("trace")
}

// usedBy are the calls of S3 that a connection's requests made, after one request.
func usedBy(t *testing.T, s *deploymenttest.Stack, name string) (deploymenttest.Answer, []localaws.Call) {
	t.Helper()
	s.AWS.ResetCalls()
	answer := s.Call(http.MethodGet, "/v1/s3/"+name+"/buckets/demo-files/objects", s.Builder(), "")
	var calls []localaws.Call
	for _, call := range s.AWS.Calls() {
		if call.Service == "s3" {
			calls = append(calls, call)
		}
	}
	return answer, calls
}

// traced is by what AWS's log tells whose call it was.
type traced struct {
	Trace, SessionName, SourceIdentity string
	Tags                               map[string]string
}

// trap 6: a role that allows only AssumeRole works, traced by its session name alone; one made from the kit says all.
func TestTrap6TraceAsTheTrustPolicyAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		const name = demosite.User + "@" + demosite.Site
		tags := func(connection string) map[string]string {
			return map[string]string{
				"arngate:site": demosite.Site, "arngate:user": demosite.User, "arngate:actor": demosite.User, "arngate:connection": connection,
			}
		}
		for connection, c := range map[string]struct {
			trust string
			want  traced
		}{
			"old":  {trusting(s, assumable), traced{"name", name, "", nil}},
			"kits": {trusting(s, assumable, traceable), traced{"full", name, demosite.User, tags("kits")}},
			"tags": {trusting(s, assumable, strings.Replace(traceable, `"sts:TagSession",`, "", 1)), traced{"name", name, "", nil}},
		} {
			status, trace := provide(t, s, connection, c.trust)
			answer, calls := usedBy(t, s, connection)
			if status != "ready" || answer.Status != http.StatusOK || len(calls) != 1 {
				t.Errorf("%s: the provider is %s, the answer %d %s, after %d calls", connection, status, answer.Status, answer.Body, len(calls))
				continue
			}
			got := traced{trace, calls[0].SessionName, calls[0].SourceIdentity, calls[0].Tags}
			if len(got.Tags) == 0 {
				got.Tags = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", connection, diff)
			}
		}
	})
}

// trap 10: a role that can be assumed without the site's external id, in whatever way, is unsafe, and nobody uses it.
func TestTrap10CarelessRolesAreUnusable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		const other = `"0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"`
		for name, statements := range map[string][]string{
			"no-condition":       {open, traceable},
			"like-everything":    {under(`{"StringLike":{"sts:ExternalId":"*"}}`)},
			"not-another":        {under(`{"StringNotEquals":{"sts:ExternalId":` + other + `}}`)},
			"if-exists":          {under(`{"StringEqualsIfExists":{"sts:ExternalId":"SITE"}}`)},
			"for-all-values":     {under(`{"ForAllValues:StringEquals":{"sts:ExternalId":"SITE"}}`)},
			"null":               {assumable, under(`{"Null":{"sts:ExternalId":"true"}}`)},
			"second-statement":   {assumable, traceable, open},
			"everyone":           {assumable, strings.Replace(open, `{"AWS":"GATEWAY"}`, `"*"`, 1)},
			"the-whole-account":  {assumable, strings.Replace(open, `GATEWAY`, `arn:aws:iam::111122223333:root`, 1)},
			"everything-it-does": {assumable, strings.Replace(open, `sts:AssumeRole`, `sts:*`, 1)},
		} {
			status, _ := provide(t, s, name, trusting(s, statements...))
			answer, calls := usedBy(t, s, name)
			if status != "unsafe" || answer.Status != http.StatusFailedDependency || answer.Field("code") != "provider_unsafe" {
				t.Errorf("%s: the provider is %s, the answer %d %s", name, status, answer.Status, answer.Body)
			}
			if len(calls) > 0 || len(assumed(s.AWS)) > 0 {
				t.Errorf("%s: the role was used: %v", name, calls)
			}
		}
	})
}

// There is no input by which a site could choose its external id, or say itself what verify is to find.
func TestNobodyChoosesWhatVerifyFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		for _, field := range []string{"unsafe", "unsafe_allowed", "external_id", "status", "trace"} {
			body := fmt.Sprintf(`{"name":"x","method":"assume_role",%q:"0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"}`, field)
			want(t, s.Call(http.MethodPost, "/v1/providers", s.Admin(), body), http.StatusUnprocessableEntity, "/"+field)
		}
	})
}
