<?php
// What differs from the defaults: everything lies in one folder, and errors go to a file.
$config = [
    'baseurlpath' => '@ORIGIN@/',
    'certdir' => '@FOLDER@/',
    'metadatadir' => '@FOLDER@/metadata/',
    'loggingdir' => '@FOLDER@/',
    'tempdir' => '@FOLDER@/tmp/',
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\Logger::INFO,
    'secretsalt' => 'of-the-tests-0123456789',
    'auth.adminpassword' => 'of-the-tests',
    'timezone' => 'UTC',
    'showerrors' => true,
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'store.type' => 'sql',
    'store.sql.dsn' => 'sqlite:@FOLDER@/sessions.sqlite3',
    'metadata.sources' => [
@SOURCES@    ],
];
