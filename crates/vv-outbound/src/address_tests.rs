use proptest::prelude::*;

use super::*;

fn class(text: &str) -> AddressClass {
    AddressClass::of(text.parse().unwrap())
}

/// First, last, the address below and the one above; `-` where that belongs
/// to another special network.
const NETWORKS: &[(&str, AddressClass)] = &[
    ("0.0.0.0 0.255.255.255 - 1.0.0.0", AddressClass::Unspecified),
    (
        "10.0.0.0 10.255.255.255 9.255.255.255 11.0.0.0",
        AddressClass::Private,
    ),
    (
        "100.64.0.0 100.127.255.255 100.63.255.255 100.128.0.0",
        AddressClass::CarrierNat,
    ),
    (
        "127.0.0.0 127.255.255.255 126.255.255.255 128.0.0.0",
        AddressClass::Loopback,
    ),
    (
        "169.254.0.0 169.254.255.255 169.253.255.255 169.255.0.0",
        AddressClass::LinkLocal,
    ),
    (
        "172.16.0.0 172.31.255.255 172.15.255.255 172.32.0.0",
        AddressClass::Private,
    ),
    (
        "192.0.0.0 192.0.0.255 191.255.255.255 192.0.1.0",
        AddressClass::Reserved,
    ),
    (
        "192.0.2.0 192.0.2.255 192.0.1.255 192.0.3.0",
        AddressClass::Reserved,
    ),
    (
        "192.88.99.0 192.88.99.255 192.88.98.255 192.88.100.0",
        AddressClass::Reserved,
    ),
    (
        "192.168.0.0 192.168.255.255 192.167.255.255 192.169.0.0",
        AddressClass::Private,
    ),
    (
        "198.18.0.0 198.19.255.255 198.17.255.255 198.20.0.0",
        AddressClass::Reserved,
    ),
    (
        "198.51.100.0 198.51.100.255 198.51.99.255 198.51.101.0",
        AddressClass::Reserved,
    ),
    (
        "203.0.113.0 203.0.113.255 203.0.112.255 203.0.114.0",
        AddressClass::Reserved,
    ),
    (
        "224.0.0.0 239.255.255.255 223.255.255.255 -",
        AddressClass::Multicast,
    ),
    ("240.0.0.0 255.255.255.254 - -", AddressClass::Reserved),
    ("2001:: 2001:0:ffff:: 2000:ffff:: -", AddressClass::Embedded),
    (
        "2001:1:: 2001:1ff:ffff:: - 2001:200::",
        AddressClass::Reserved,
    ),
    (
        "2001:db8:: 2001:db8:ffff:: 2001:db7:ffff:: 2001:db9::",
        AddressClass::Reserved,
    ),
    (
        "2002:: 2002:ffff:: 2001:ffff:: 2003::",
        AddressClass::Embedded,
    ),
    (
        "3fff:: 3fff:fff:: 3ffe:ffff:: 3fff:1000::",
        AddressClass::Reserved,
    ),
];

#[test]
fn first_last_and_neighbours_of_each_network() {
    for (addresses, expected) in NETWORKS {
        for (position, address) in addresses.split(' ').enumerate() {
            let inside = position < 2;
            let expected = if inside {
                *expected
            } else {
                AddressClass::Public
            };
            if address != "-" {
                assert_eq!(class(address), expected, "{address}");
            }
        }
    }
}

#[test]
fn single_addresses_and_ipv6_outside_the_global_part() {
    use AddressClass::*;
    for (address, expected) in [
        ("8.8.8.8", Public),
        ("2606:4700::1111", Public),
        ("2000::", Public),
        ("3ffe::1", Public),
        ("255.255.255.255", Multicast),
        ("::", Unspecified),
        ("::1", Loopback),
        ("::2", Embedded),
        ("::10.0.0.1", Embedded),
        ("::8.8.8.8", Embedded),
        ("::ffff:127.0.0.1", Embedded),
        ("::ffff:8.8.8.8", Embedded),
        ("::ffff:0:10.0.0.1", Embedded),
        ("64:ff9b::8.8.8.8", Nat64),
        ("64:ff9b::10.0.0.1", Nat64),
        ("64:ff9b:1::1", Nat64),
        ("64:ff9b:1:ffff::1", Nat64),
        ("64:ff9b:2::1", Reserved),
        ("100::1", Reserved),
        ("1fff:ffff::", Reserved),
        ("4000::", Reserved),
        ("5f00::1", Reserved),
        ("fbff::1", Reserved),
        ("fc00::1", UniqueLocal),
        ("fdff:ffff::1", UniqueLocal),
        ("fe00::1", Reserved),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", UniqueLocal),
        ("ff00::1", Multicast),
        ("ff02::1", Multicast),
        ("169.254.169.254", Metadata),
        ("169.254.170.2", Metadata),
        ("169.254.170.23", Metadata),
        ("168.63.129.16", Metadata),
        ("168.63.129.17", Public),
        ("100.100.100.200", Metadata),
        ("192.0.0.192", Metadata),
        ("fd00:ec2::254", Metadata),
        ("fd00:ec2::23", Metadata),
        ("fd20:ce::254", Metadata),
    ] {
        assert_eq!(class(address), expected, "{address}");
    }
}

proptest! {
    // The predicates of the standard library are an independent opinion.
    #[test]
    fn what_std_calls_special_is_not_public_v4(bits: u32) {
        let address = Ipv4Addr::from(bits);
        let special = address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_unspecified();
        prop_assert!(!special || of_v4(address) != AddressClass::Public, "{address}");
    }

    #[test]
    fn what_std_calls_special_is_not_public_v6(bits: u128) {
        let address = Ipv6Addr::from(bits);
        let special = address.is_loopback()
            || address.is_multicast()
            || address.is_unspecified()
            || address.is_unique_local()
            || address.is_unicast_link_local()
            || address.to_ipv4().is_some();
        prop_assert!(!special || of_v6(address) != AddressClass::Public, "{address}");
    }

    #[test]
    fn ipv4_in_ipv6_is_never_public(bits: u32) {
        let [a, b, c, d] = Ipv4Addr::from(bits).octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        for address in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            let class = of_v6(address);
            prop_assert_ne!(class, AddressClass::Public);
        }
    }
}
