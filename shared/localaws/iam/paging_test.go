package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

func TestPaging(t *testing.T) {
	a, admin, client := start(t)
	var want, got []string
	for i := range 7 {
		name := fmt.Sprintf("role-%d", i)
		a.AddRole(t, admin, localawstest.Role{Name: name, Path: "/page/", Trust: lambda})
		want = append(want, name)
	}
	a.AddRole(t, admin, localawstest.Role{Name: "elsewhere", Trust: lambda})
	pages := awsiam.NewListRolesPaginator(client, &awsiam.ListRolesInput{PathPrefix: aws.String("/page/"), MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Roles) > 3 {
			t.Errorf("a page has %d roles", len(page.Roles))
		}
		for _, r := range page.Roles {
			got = append(got, *r.RoleName)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := client.ListRoles(t.Context(), &awsiam.ListRolesInput{Marker: aws.String("x")})
	if got, want := codeOf(err), "ValidationError"; got != want {
		t.Errorf("a marker of nobody: %v, want %s", err, want)
	}
}

// What comes and goes between two pages moves nothing else.
func TestMarkersAreStable(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	for _, name := range []string{"b", "d", "f", "h"} {
		a.AddRole(t, admin, localawstest.Role{Name: name, Trust: lambda})
	}
	first, err := client.ListRoles(ctx, &awsiam.ListRolesInput{MaxItems: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	a.AddRole(t, admin, localawstest.Role{Name: "a", Trust: lambda})
	a.AddRole(t, admin, localawstest.Role{Name: "e", Trust: lambda})
	if _, err := client.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: aws.String("d")}); err != nil {
		t.Fatal(err)
	}
	second, err := client.ListRoles(ctx, &awsiam.ListRolesInput{Marker: first.Marker})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range second.Roles {
		got = append(got, *r.RoleName)
	}
	if diff := cmp.Diff([]string{"e", "f", "h"}, got); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
}
