        ['type' => 'xml', 'file' => '@FOLDER@/@NAME@/idp.xml'],
